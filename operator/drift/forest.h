// A small random forest (Breiman 2001): the stand-in for a model where a replay has to train one.
// It is no part of a decision.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "drift/basis.h"
#include "drift/decide.h"
#include "drift/row.h"

namespace reprise::drift {

struct ForestOptions {
  int trees = 15;
  int maxDepth = 14;
  int minLeaf = 2;  // rows
  std::uint64_t seed = 1;
};

class Forest {
 public:
  // Labels are classes where one of them is a text, or where they are at most 20 different whole
  // numbers; else numbers. Rows without a label are left out; at least 10 must have one.
  static Expected<Forest> fit(const Basis& basis, const std::vector<Row>& rows,
                              const std::vector<Cell>& labels, const ForestOptions& options = {});

  Cell predict(const Basis& basis, const Row& row) const;
  // Wrong or right (1, 0) for classes, |label - prediction| for numbers.
  double error(const Basis& basis, const Row& row, const Cell& label) const;
  // Error on the rows that a tree has not seen, over all trees: as good as a hold-out.
  const ReferenceError& outOfBag() const { return outOfBag_; }

 private:
  struct Node {
    int feature = -1;  // -1: a leaf
    float threshold = 0;
    int left = 0, right = 0;
    double value = 0;  // leaf: class or mean
  };
  using Tree = std::vector<Node>;
  struct Sample;

  static Tree grow(const Sample& sample, std::vector<int> rows, const ForestOptions& options,
                   std::uint64_t seed);
  static double leafValue(const Sample& sample, const std::vector<int>& rows);
  static double ask(const Tree& tree, const float* point);
  double combine(const std::vector<double>& votes) const;
  double errorOf(double predicted, const Cell& label) const;

  std::vector<Tree> trees_;
  std::vector<std::string> classes_;  // empty: numbers
  ReferenceError outOfBag_;
};

// How classes are compared and shown: 3 and 3.0 are the same.
std::string labelText(const Cell& label);

}  // namespace reprise::drift
