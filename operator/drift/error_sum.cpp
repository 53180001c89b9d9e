#include "drift/error_sum.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace reprise::drift {

void ErrorSum::add(const LabelBlock& block) {
  firstMs = n == 0 ? block.firstMs : std::min(firstMs, block.firstMs);
  lastMs = n == 0 ? block.lastMs : std::max(lastMs, block.lastMs);
  n += block.n;
  sum += block.errorSum;
  sumSq += block.errorSqSum;
  pairs += block.pairs;
  gain += block.gainSum;
  gainSq += block.gainSqSum;
}

ErrorSum ErrorSum::reversed() const {
  ErrorSum out = *this;
  out.gain = -gain;
  return out;
}

namespace {

// Cauchy and Schwarz.
bool possible(std::int64_t n, double sum, double squares) {
  return std::isfinite(sum) && std::isfinite(squares) && squares >= 0 &&
         squares * static_cast<double>(n) >= sum * sum * (1 - 1e-9);
}

double entropy(double p) {
  return p <= 0 || p >= 1 ? 0 : -p * std::log(p) - (1 - p) * std::log(1 - p);
}

}  // namespace

bool sound(const LabelBlock& block) {
  return block.n > 0 && block.errorSum >= 0 &&
         possible(block.n, block.errorSum, block.errorSqSum) && block.pairs >= 0 &&
         block.pairs <= block.n && possible(block.pairs, block.gainSum, block.gainSqSum);
}

double pairedOdds(const ErrorSum& seen, ErrorKind kind) {
  if (seen.pairs < 1 || seen.gain <= 0) return 0;
  if (kind == ErrorKind::Binary) {
    const double better = (seen.gainSq + seen.gain) / 2;
    return seen.gainSq * (std::numbers::ln2 - entropy(better / seen.gainSq));
  }
  const auto n = static_cast<double>(seen.pairs);
  const double gain = seen.meanGain(), v = std::max(1e-18, seen.gainSq / n - gain * gain);
  const double bound = kind == ErrorKind::Unit ? 1 : kSpreads * std::sqrt(v);
  return n * gain * gain / (2 * (v + bound * gain / 3));
}

double smoothed(const ReferenceError& reference) {
  const auto n = static_cast<double>(reference.n);
  return (reference.mean * n + 1) / (n + 2);
}

}  // namespace reprise::drift
