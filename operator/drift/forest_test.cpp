#include "drift/forest.h"

#include <gtest/gtest.h>

#include "drift/testing/kinds.h"

namespace reprise::drift {
namespace {

using testing::rowsOf;

struct ForestTest : ::testing::Test {
  std::vector<Row> rows = rowsOf({}, 600, 1), fresh = rowsOf({}, 400, 2);
  Basis basis = *Basis::fit({"x", "y"}, rows);
  static bool above(const Row& row) {
    return std::get<double>(row[0]) + std::get<double>(row[1]) > 0;
  }
};

TEST_F(ForestTest, LearnsClassesAndKnowsHowWell) {
  std::vector<Cell> labels;
  for (const auto& row : rows) labels.push_back(above(row) ? "yes" : "no");
  const auto forest = Forest::fit(basis, rows, labels);
  ASSERT_TRUE(forest);
  double wrong = 0;
  for (const auto& row : fresh) wrong += forest->error(basis, row, above(row) ? "yes" : "no");
  EXPECT_LT(wrong / 400, 0.08);
  EXPECT_NEAR(forest->outOfBag().mean, wrong / 400, 0.04);
  EXPECT_GT(forest->outOfBag().n, 590);
}

TEST_F(ForestTest, LearnsNumbers) {
  std::vector<Cell> labels;
  for (const auto& row : rows) labels.push_back(10 * std::get<double>(row[0]) + 0.5);
  const auto forest = Forest::fit(basis, rows, labels);
  ASSERT_TRUE(forest);
  double error = 0;
  for (const auto& row : fresh)
    error += forest->error(basis, row, 10 * std::get<double>(row[0]) + 0.5);
  EXPECT_LT(error / 400, 2) << "their standard deviation is 10";
}

TEST_F(ForestTest, TheSameSeedGrowsTheSameTrees) {
  std::vector<Cell> labels;
  for (const auto& row : rows) labels.push_back(above(row) ? 1.0 : 0.0);
  const auto a = Forest::fit(basis, rows, labels), b = Forest::fit(basis, rows, labels);
  for (const auto& row : fresh) EXPECT_EQ(a->predict(basis, row), b->predict(basis, row));
}

TEST_F(ForestTest, RowsWithoutLabelsAreLeftOutAndTooFewAreAnError) {
  std::vector<Cell> labels(rows.size());
  const auto none = Forest::fit(basis, rows, labels);
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("0 rows have a label"), std::string::npos);
  for (std::size_t i = 0; i < 100; ++i) labels[i] = above(rows[i]) ? "yes" : "no";
  EXPECT_TRUE(Forest::fit(basis, rows, labels));
}

}  // namespace
}  // namespace reprise::drift
