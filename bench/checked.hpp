/// What all benchmarks share: an answer is checked before it is timed.
///
///   main() -> check_answers() of the benchmark -> its BENCHMARKs
#pragma once

#include <string>

namespace valinor::bench {

/// Each benchmark defines it: calls require() for everything that it is about to time.
void check_answers();

/// Throws std::logic_error with `what` where it is not `right`; main() then ends with status 1.
void require(bool right, const std::string& what);

}  // namespace valinor::bench
