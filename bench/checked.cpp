#include "checked.hpp"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <exception>
#include <stdexcept>

void valinor::bench::require(bool right, const std::string& what) {
  if (!right) throw std::logic_error{what};
}

int main(int argc, char** argv) {
  try {
    valinor::bench::check_answers();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: wrong answer: %s\n", argv[0], error.what());
    return 1;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
