// Sums of label blocks, and what can be said of one.
#pragma once

#include <cstdint>

#include "drift/decide.h"

namespace reprise::drift {

// Sums of blocks.
struct ErrorSum {
  std::int64_t n = 0;
  double sum = 0, sumSq = 0;
  std::int64_t pairs = 0;  // as in LabelBlock
  double gain = 0, gainSq = 0;
  std::int64_t firstMs = 0, lastMs = 0;
  double mean() const { return n > 0 ? sum / static_cast<double>(n) : 0; }
  double meanGain() const { return pairs > 0 ? gain / static_cast<double>(pairs) : 0; }
  void add(const LabelBlock& block);
  // The pairs seen from the other side: gains are losses.
  ErrorSum reversed() const;
};

// False: no errors can have such sums.
bool sound(const LabelBlock& block);

// The mean as if two rows more had been seen, one of them wrong: no reference is exactly 0 or 1.
double smoothed(const ReferenceError& reference);

// What errors are like.
enum class ErrorKind { Binary, Unit, Loss };  // 0 or 1; within 0 … 1; ≥ 0

// Where errors are not bounded by 1: the largest, in standard deviations.
inline constexpr double kSpreads = 4;

// Log of the odds against chance that the version has less error than the one that answered, on the
// same rows; 0: it has not. Binary: the sign test of discordant rows (McNemar 1947), by Chernoff's
// bound (1952) of a binomial tail. Others: Bernstein's bound (1924) of the mean difference.
double pairedOdds(const ErrorSum& seen, ErrorKind kind);

}  // namespace reprise::drift
