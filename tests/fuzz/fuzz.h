// What the targets share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

namespace reprise::fuzz {

// A property that does not hold: libFuzzer keeps the input and fails.
inline void require(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what.c_str());
  std::abort();
}

inline nlohmann::json parse(std::string_view text) {
  return nlohmann::json::parse(text, nullptr, false);
}

// What is refused is logged, thousands of times a second.
inline void quiet() {
  static const bool once = (spdlog::set_level(spdlog::level::off), true);
  (void)once;
}

}  // namespace reprise::fuzz

// Defines the target: `text` is the input.
#define REPRISE_FUZZ_TARGET(text)                                                     \
  static void fuzzOne(std::string_view text);                                         \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    reprise::fuzz::quiet();                                                           \
    fuzzOne({reinterpret_cast<const char*>(data), size});                             \
    return 0;                                                                         \
  }                                                                                   \
  static void fuzzOne(std::string_view text)
