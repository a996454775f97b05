#include "support/golden.hpp"

#include <cctype>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace valinor::test {

std::string golden_path(const std::string& name) {
  return std::string{VALINOR_GOLDEN} + "/" + name;
}

std::vector<std::byte> from_hex(const std::string& hex) {
  std::vector<std::byte> bytes;
  std::string digits;
  for (const char c : hex) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) continue;
    digits.push_back(c);
    if (digits.size() == 2) {
      bytes.push_back(static_cast<std::byte>(std::stoul(digits, nullptr, 16)));
      digits.clear();
    }
  }
  return bytes;
}

std::vector<GoldenFrame> golden_frames() {
  std::ifstream file{golden_path("golden.txt")};
  std::vector<GoldenFrame> frames;
  for (std::string line; std::getline(file, line);) {
    std::istringstream columns{line};
    std::string number, name, bytes, hex;
    columns >> number >> name >> bytes >> hex;
    frames.push_back({name, from_hex(hex)});
    if (frames.back().bytes.size() != std::stoul(bytes)) throw std::runtime_error{"bad " + name};
  }
  return frames;
}

}  // namespace valinor::test
