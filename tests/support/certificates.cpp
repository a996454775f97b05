#include "support/certificates.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace valinor::test {
namespace {

void openssl(const std::filesystem::path& folder, const std::string& words) {
  const std::string log = (folder / "log").string();
  const std::string command = "openssl " + words + " >" + log + " 2>&1 </dev/null";
  if (std::system(command.c_str()) == 0) return;
  std::ostringstream said;
  said << std::ifstream{log}.rdbuf();
  throw std::runtime_error{"openssl " + words + ": " + said.str()};
}

constexpr const char* kKey = " -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";

}  // namespace

Certificates::Certificates() {
  std::string pattern = (std::filesystem::temp_directory_path() / "valinor-certs-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"mkdtemp " + pattern};
  folder_ = pattern;
  openssl(folder_, std::string{"req -x509"} + kKey + " -subj /CN=test-ca -days 1 -keyout " +
                       key("ca") + " -out " + ca());
}

Certificates::~Certificates() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void Certificates::issue(const std::string& name, const std::string& names) {
  const std::string extensions = file(name + ".ext");
  std::ofstream{extensions} << "subjectAltName=" << names << "\n";
  openssl(folder_, std::string{"req"} + kKey + " -subj /CN=" + name + " -keyout " + key(name) +
                       " -out " + file(name + ".csr"));
  openssl(folder_, "x509 -req -days 1 -in " + file(name + ".csr") + " -CA " + ca() + " -CAkey " +
                       key("ca") + " -CAcreateserial -extfile " + extensions + " -out " +
                       cert(name));
}

}  // namespace valinor::test
