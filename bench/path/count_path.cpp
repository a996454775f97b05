/// Sends packets along the whole path, for bench/path/instructions to count what is executed within
/// measured_turn().
///
///   count_path collect|reflect 3x9|18x72|valinor-n PACKETS
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>

#include "load/named_frames.hpp"
#include "path/whole_path.hpp"

/// A name that callgrind finds, and a call that is not inlined.
extern "C" [[gnu::noinline]] void measured_turn(valinor::bench::WholePath& path) noexcept {
  path.turn();
}

namespace valinor::bench {
namespace {

int count(pipeline::Role role, const std::vector<std::byte>& frame, std::uint64_t packets) {
  WholePath path{role, frame};
  std::uint64_t delivered = 0;
  while (delivered < packets) {
    delivered += path.deliver();
    measured_turn(path);
    path.take_records();
  }
  std::printf("%llu packets\n", static_cast<unsigned long long>(path.stats().received.value()));
  return 0;
}

}  // namespace
}  // namespace valinor::bench

int main(int argc, char** argv) {
  using valinor::pipeline::Role;
  const std::string_view role = argc == 4 ? argv[1] : "";
  const auto frame = valinor::bench::make_frame(argc == 4 ? argv[2] : "");
  if ((role != "collect" && role != "reflect") || !frame) {
    std::fprintf(stderr, "usage: count_path collect|reflect 3x9|18x72|valinor-n PACKETS\n");
    return 2;
  }
  try {
    return valinor::bench::count(role == "collect" ? Role::collect : Role::reflect, *frame,
                                 std::strtoull(argv[3], nullptr, 10));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "count_path: %s\n", error.what());
    return 1;
  }
}
