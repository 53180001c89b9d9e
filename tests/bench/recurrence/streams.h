// Streams of kinds of data A, B and C that come back: generators of the literature on recurring
// concepts, and real rows cut in kinds.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "drift/replay.h"

namespace reprise::bench {

using Random = std::mt19937_64;

struct Stream {
  std::string name;
  bool labelsOnly = false;  // inputs are of one distribution; only the rule of the labels moves
  bool real = false;
  std::vector<std::string> names;  // of the features
  // One row of kind 0, 1 or 2. Real rows with and without `live` are disjoint halves of the set.
  std::function<drift::ReplayRow(int kind, bool live, Random& random)> draw;
  // Real: the rows of a kind that are not live, each once. Empty function else.
  std::function<std::vector<drift::ReplayRow>(int kind)> others;
};

inline constexpr int kKinds = 3;

// Made anew for each seed: where centres, directions and rules lie is drawn from it.
std::vector<Stream> synthetic(std::uint64_t seed);

// From the CSV files that export.py writes (label, group, then features); empty without them.
std::vector<Stream> real(const std::string& folder, std::uint64_t seed);

}  // namespace reprise::bench
