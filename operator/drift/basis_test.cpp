#include "drift/basis.h"

#include <cmath>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

namespace reprise::drift {
namespace {

using nlohmann::json;

std::vector<Row> mixedRows() {
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  std::vector<Row> rows;
  for (int i = 0; i < 200; ++i)
    rows.push_back({100 + 10 * normal(random), std::string(i % 3 ? "red" : "blue")});
  return rows;
}

Basis mixedBasis() { return *Basis::fit({"size", "colour"}, mixedRows()); }

TEST(BasisTest, FitFindsScaleTypeAndCategories) {
  const auto basis = mixedBasis();
  EXPECT_NEAR(basis.features()[0].location, 100, 2);
  EXPECT_NEAR(basis.features()[0].scale, 10, 1.5);
  EXPECT_EQ(basis.features()[1].type, FeatureType::Categorical);
  EXPECT_EQ(basis.features()[1].categories, (std::vector<std::string>{"red", "blue"}));
  EXPECT_EQ(basis.embeddedDim(), 4);
  EXPECT_GT(basis.bandwidth(), 0.5);
}

TEST(BasisTest, JsonKeepsIdAndFourierVectors) {
  const auto basis = mixedBasis();
  const auto again = Basis::fromJson(json::parse(basis.toJson().dump()));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->id(), basis.id());
  std::vector<double> point, a, b;
  basis.embed({95.0, std::string("green")}, point);
  basis.fourier(point, a);
  again->fourier(point, b);
  EXPECT_EQ(a, b);
}

TEST(BasisTest, AnswersAreClassesOrNumbers) {
  const auto basis = mixedBasis();
  EXPECT_EQ(basis.prediction(), nullptr);
  const auto typeOf = [&](const std::vector<Cell>& answers) {
    return basis.withPrediction(answers)->prediction()->type;
  };
  EXPECT_EQ(typeOf({std::string("a"), 1.0}), FeatureType::Categorical);
  EXPECT_EQ(typeOf({1.0, 2.0, 7.0}), FeatureType::Categorical);
  EXPECT_EQ(typeOf({1.0, 2.5}), FeatureType::Numeric);
  std::vector<Cell> many;
  for (int i = 0; i < 40; ++i) many.push_back(static_cast<double>(i));
  EXPECT_EQ(typeOf(many), FeatureType::Numeric);
  for (int i = 0; i < 40; ++i) many[static_cast<std::size_t>(i)] = "c" + std::to_string(i);
  EXPECT_EQ(basis.withPrediction(many)->prediction()->bins(), kMaxCategories + 1);
  EXPECT_FALSE(basis.withPrediction({}));
  EXPECT_FALSE(basis.withPrediction({Cell{}}));
}

TEST(BasisTest, PredictionIsPartOfTheIdAndSurvivesJson) {
  const auto basis = mixedBasis();
  const auto with = *basis.withPrediction({1.0, 2.0});
  EXPECT_NE(with.id(), basis.id());
  const auto again = Basis::fromJson(json::parse(with.toJson().dump()));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->id(), with.id());
  EXPECT_EQ(again->prediction()->categories, (std::vector<std::string>{"1", "2"}));
  json bad = with.toJson();
  for (int i = 0; i < 40; ++i) bad["prediction"]["categories"].push_back("x" + std::to_string(i));
  EXPECT_NE(Basis::fromJson(bad).error().message.find("basis.prediction.categories"),
            std::string::npos);
  bad["prediction"] = 7;
  EXPECT_FALSE(Basis::fromJson(bad));
}

TEST(BasisTest, FourierProductsApproachTheGaussianKernel) {
  const auto basis = mixedBasis();
  std::vector<double> p, q, a, b;
  basis.embed({95.0, std::string("red")}, p);
  basis.embed({110.0, std::string("blue")}, q);
  basis.fourier(p, a);
  basis.fourier(q, b);
  double squared = 0;
  for (std::size_t i = 0; i < p.size(); ++i) squared += (p[i] - q[i]) * (p[i] - q[i]);
  const double kernel = std::exp(-squared / (2 * basis.bandwidth() * basis.bandwidth()));
  EXPECT_NEAR(std::inner_product(a.begin(), a.end(), b.begin(), 0.0), kernel, 0.25);
  EXPECT_NEAR(std::inner_product(a.begin(), a.end(), a.begin(), 0.0), 1, 1e-9);
}

TEST(BasisTest, OddValuesAreFiniteAndInTheirPlace) {
  const auto basis = mixedBasis();
  const auto& size = basis.features()[0];
  EXPECT_EQ(size.binOf(Cell(-INFINITY)), 0);
  EXPECT_EQ(size.binOf(Cell(INFINITY)), size.bins() - 1);
  EXPECT_EQ(size.binOf(Cell(NAN)), -1);
  EXPECT_EQ(size.binOf(Cell(std::string("red"))), -1);
  EXPECT_EQ(basis.features()[1].binOf(Cell(std::string("green"))), 2) << "other";
  for (const double odd : {1e308, -1e308, double(INFINITY), double(NAN)}) {
    std::vector<double> point;
    basis.embed({odd, Cell()}, point);
    for (const double one : point) EXPECT_LE(std::abs(one), 17);
  }
}

TEST(BasisTest, AColumnOfHugeValuesOrOfOneValueCanBeFitted) {
  const auto basis =
      Basis::fit({"huge", "constant", "empty"},
                 {{1e308, 5.0, Cell()}, {-1e308, 5.0, Cell()}, {1e308, 5.0, Cell()}});
  ASSERT_TRUE(basis) << basis.error().message;
  EXPECT_DOUBLE_EQ(basis->features()[1].scale, 0.5);
  EXPECT_TRUE(Basis::fromJson(json::parse(basis->toJson().dump())));
}

TEST(BasisTest, WhatCannotBeFittedIsSaid) {
  EXPECT_NE(Basis::fit({"a"}, {{1.0}}).error().message.find("at least 2"), std::string::npos);
  EXPECT_NE(Basis::fit({"a", "a"}, {{1.0, 1.0}, {1.0, 1.0}}).error().message.find("twice"),
            std::string::npos);
  EXPECT_NE(Basis::fit({"a", ""}, {{1.0, 1.0}, {1.0, 1.0}}).error().message.find("name"),
            std::string::npos);
  EXPECT_NE(Basis::fit({"a"}, {{1.0}, {1.0, 2.0}}).error().message.find("rows[1]"),
            std::string::npos);
  EXPECT_FALSE(Basis::fit({"\xff"}, {{1.0}, {2.0}}));
}

TEST(BasisTest, DamagedJsonIsRefusedWithTheFieldsName) {
  const json good = mixedBasis().toJson();
  const auto refused = [&](const char* pointer, const json& value, const std::string& field) {
    json bad = good;
    bad[json::json_pointer(pointer)] = value;
    const auto basis = Basis::fromJson(bad);
    ASSERT_FALSE(basis) << pointer;
    EXPECT_NE(basis.error().message.find(field), std::string::npos) << basis.error().message;
  };
  refused("/version", 2, "basis.version");
  refused("/bandwidth", 0, "basis.bandwidth");
  refused("/bandwidth", "1", "basis.bandwidth");
  refused("/seed", -1, "basis.seed");
  refused("/features", json::object(), "basis.features");
  refused("/features/0/scale", 0, "basis.features[0].scale");
  refused("/features/0/edges", {2, 1}, "basis.features[0].edges");
  refused("/features/0/edges", json::array({nullptr}), "basis.features[0].edges");
  refused("/features/0/type", 7, "basis.features[0].type");
  refused("/features/1/name", "size", "basis.features[1].name");
  refused("/features/1/categories", {"red", "red"}, "basis.features[1].categories");
  refused("/features/0/location", 101, "basis.id");
  EXPECT_FALSE(Basis::fromJson(nullptr));
  EXPECT_FALSE(Basis::fromJson(json::array()));
}

}  // namespace
}  // namespace reprise::drift
