#include "drift/profile.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>
#include <Eigen/Core>

namespace reprise::drift {
namespace {

using nlohmann::json;

std::vector<Row> rowsOf(int count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<Row> rows;
  for (int i = 0; i < count; ++i)
    rows.push_back({normal(random), 3 * normal(random), std::string(i % 3 ? "red" : "blue")});
  return rows;
}

Basis basis() { return *Basis::fit({"x", "y", "colour"}, rowsOf(300, 1)); }

Profile profileOf(const Basis& b, const std::vector<Row>& rows, std::size_t from, std::size_t to) {
  Profile out(b);
  for (std::size_t i = from; i < to; ++i) EXPECT_TRUE(out.add(b, rows[i]));
  return out;
}

TEST(ProfileTest, AnswersMergeExactlyInAnyOrder) {
  const auto b = *basis().withPrediction({std::string("yes"), std::string("no")});
  const auto rows = rowsOf(90, 2);
  const auto part = [&](int from, int to) {
    Profile out(b);
    for (int i = from; i < to; ++i) {
      EXPECT_TRUE(out.add(b, rows[static_cast<std::size_t>(i)]));
      if (i % 5 == 0) continue;  // not each row has one
      EXPECT_TRUE(out.addPrediction(b, i % 7 == 0   ? Cell(std::string("maybe"))
                                       : i % 2 == 0 ? Cell(std::string("yes"))
                                                    : Cell()));
    }
    return out;
  };
  const auto whole = part(0, 90);
  // A profile that was written before answers were counted adds none.
  json old = part(90, 90).toJson();
  old.erase("predictions");
  const std::vector<Profile> parts = {part(0, 7), part(7, 50), *Profile::fromJson(old),
                                      part(50, 90)};
  for (const auto& order : std::vector<std::vector<std::size_t>>{
           {0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}, {1, 3, 2, 0}}) {
    Profile sum;
    for (const auto i : order) ASSERT_TRUE(sum.merge(parts[i]));
    EXPECT_EQ(sum, whole);
    Profile left = parts[order[0]], right = parts[order[2]];  // the other way to set brackets
    ASSERT_TRUE(left.merge(parts[order[1]]));
    ASSERT_TRUE(right.merge(parts[order[3]]));
    ASSERT_TRUE(left.merge(right));
    EXPECT_EQ(left, whole);
  }
  const auto again = Profile::fromJson(json::parse(whole.toJson().dump()));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, whole);
}

TEST(ProfileTest, AnswersAreNeverMoreThanRows) {
  const auto b = *basis().withPrediction({1.0, 2.5});
  Profile one = profileOf(b, rowsOf(2, 1), 0, 2);
  EXPECT_TRUE(one.addPrediction(b, 2.0));
  EXPECT_TRUE(one.addPrediction(b, Cell{}));
  EXPECT_FALSE(one.addPrediction(b, 2.0));
  json bad = one.toJson();
  bad["predictions"]["missing"] = 2;
  EXPECT_FALSE(Profile::fromJson(bad));
  bad = one.toJson();
  bad["predictions"]["bins"] = std::vector<int>(1000, 0);
  EXPECT_FALSE(Profile::fromJson(bad));
  bad["predictions"] = json::array();
  EXPECT_FALSE(Profile::fromJson(bad));
  EXPECT_FALSE(one.addPrediction(basis(), 2.0));
  const auto plain = basis();
  Profile none = profileOf(plain, rowsOf(2, 1), 0, 2);
  EXPECT_TRUE(none.addPrediction(plain, 2.0));
  EXPECT_FALSE(none.predictions());
}

TEST(ProfileTest, DocumentCanBeGivenAnswersLater) {
  const auto b = basis();
  ProfileDocument document{b, profileOf(b, rowsOf(40, 3), 0, 40)};
  const auto mean = document.profile.fourierMean();
  ASSERT_TRUE(document.fitPredictions({0.5, 1.5, 9.25}));
  for (int i = 0; i < 40; ++i)
    ASSERT_TRUE(document.profile.addPrediction(document.basis, static_cast<double>(i)));
  EXPECT_EQ(document.profile.fourierMean(), mean);
  const auto again = ProfileDocument::fromJson(json::parse(document.toJson().dump()));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->profile, document.profile);
  EXPECT_EQ(Profile(again->basis).predictions()->bins.size(),
            document.profile.predictions()->bins.size());
  json bad = document.toJson();
  bad["basis"] = b.toJson();
  bad["profile"]["basis"] = b.id();
  EXPECT_FALSE(ProfileDocument::fromJson(bad));  // answers, and nothing says how they are counted
}

TEST(ProfileTest, PartsMergedInAnyOrderAreExactlyTheWhole) {
  const auto b = basis();
  const auto rows = rowsOf(90, 2);
  const auto whole = profileOf(b, rows, 0, 90);
  Profile forward, backward;
  for (const auto& [from, to] : std::vector<std::pair<int, int>>{{0, 7}, {7, 50}, {50, 90}}) {
    ASSERT_TRUE(forward.merge(profileOf(b, rows, from, to)));
  }
  for (const auto& [from, to] : std::vector<std::pair<int, int>>{{50, 90}, {0, 7}, {7, 50}}) {
    ASSERT_TRUE(backward.merge(profileOf(b, rows, from, to)));
  }
  EXPECT_EQ(forward, whole);
  EXPECT_EQ(backward, whole);
}

// Associative and commutative: random parts, empty ones too, joined two by two in a random order.
TEST(ProfileTest, AnyTreeOfMergesOfAnyPartsIsExactlyTheWhole) {
  const auto b = basis();
  const auto rows = rowsOf(120, 6);
  const auto whole = profileOf(b, rows, 0, 120);
  std::mt19937 random(8);
  for (int round = 0; round < 40; ++round) {
    std::vector<Profile> parts = {Profile(), Profile(b)};
    for (int from = 0; from < 120;) {
      const int to = std::min(120, from + 1 + static_cast<int>(random() % 40));
      parts.push_back(profileOf(b, rows, from, to));
      from = to;
    }
    while (parts.size() > 1) {
      std::shuffle(parts.begin(), parts.end(), random);
      auto left = std::move(parts.back());
      parts.pop_back();
      ASSERT_TRUE(left.merge(parts.back()));
      parts.back() = std::move(left);
    }
    ASSERT_EQ(parts.front(), whole) << round;
  }
}

TEST(ProfileTest, AnotherBasisIsRefusedAndChangesNothing) {
  const auto b = basis();
  const auto other = *Basis::fit({"x", "y", "colour"}, rowsOf(300, 9));
  auto profile = profileOf(b, rowsOf(10, 2), 0, 10);
  const auto before = profile;
  EXPECT_FALSE(profile.merge(profileOf(other, rowsOf(10, 2), 0, 10)));
  EXPECT_FALSE(profile.add(other, rowsOf(1, 1)[0]));
  EXPECT_FALSE(profile.add(b, {1.0}));
  EXPECT_EQ(profile, before);
}

TEST(ProfileTest, MissingNanInfiniteAndMistypedValuesAreCountedApart) {
  const auto b = basis();
  Profile profile(b);
  const double inf = INFINITY;
  for (const Row& row : std::vector<Row>{{Cell(), 1.0, Cell()},
                                         {double(NAN), 1.0, std::string("new")},
                                         {inf, 1.0, 7.0},
                                         {-inf, 1.0, std::string("red")},
                                         {std::string("text"), 1.0, double(NAN)}}) {
    ASSERT_TRUE(profile.add(b, row));
  }
  const auto& x = profile.features()[0];
  EXPECT_EQ(x.missing, 2);
  EXPECT_EQ(x.nan, 1);
  EXPECT_EQ(x.infinite, 2);
  EXPECT_EQ(x.bins.front(), 1);
  EXPECT_EQ(x.bins.back(), 1);
  const auto& colour = profile.features()[2];
  EXPECT_EQ(colour.missing, 1);
  EXPECT_EQ(colour.nan, 1);
  EXPECT_EQ(colour.bins.back(), 2) << "a name and a number that the basis does not know";
  for (const double one : profile.mean()) EXPECT_TRUE(std::isfinite(one));
  EXPECT_TRUE(Profile::fromJson(profile.toJson()));
}

TEST(ProfileTest, JsonComesBackEqualAndStaysSmall) {
  const auto b = basis();
  const auto profile = profileOf(b, rowsOf(100, 2), 0, 100);
  const auto again = Profile::parse(profile.toJson().dump());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, profile);
  EXPECT_EQ(*Profile::parse(Profile().toJson().dump()), Profile());

  std::vector<std::string> names;
  std::vector<Row> wide(50);
  std::mt19937 random(4);
  std::normal_distribution<double> normal;
  for (int i = 0; i < 64; ++i) names.push_back("feature" + std::to_string(i));
  for (auto& row : wide) {
    for (int i = 0; i < 64; ++i) row.push_back(normal(random));
  }
  const auto big = *Basis::fit(names, wide);
  auto sum = profileOf(big, wide, 0, 50);
  while (sum.rows() < 1'000'000) ASSERT_TRUE(sum.merge(Profile(sum)));
  EXPECT_LT(sum.toJson().dump().size(), 40u * 1024);
}

// What a ModelVersion of an ordinary table carries, its basis too.
TEST(ProfileDocumentTest, ThirtyFeaturesStayBelowThirtyKilobytes) {
  std::vector<std::string> names;
  std::vector<Row> rows(200, Row(30));
  std::mt19937 random(4);
  std::normal_distribution<double> normal;
  for (int i = 0; i < 30; ++i) names.push_back("feature" + std::to_string(i));
  for (auto& row : rows) {
    for (auto& cell : row) cell = normal(random);
  }
  const auto fitted = *Basis::fit(names, rows);
  auto profile = profileOf(fitted, rows, 0, 200);
  while (profile.rows() < 10'000) ASSERT_TRUE(profile.merge(Profile(profile)));
  EXPECT_LT(profile.toJson().dump().size(), 20u * 1024);
  EXPECT_LT((ProfileDocument{fitted, profile}.toJson().dump().size()), 30u * 1024);
}

TEST(ProfileTest, DamagedJsonIsRefusedWithTheFieldsName) {
  const auto b = basis();
  const json good = profileOf(b, rowsOf(20, 2), 0, 20).toJson();
  const auto refused = [&](const char* pointer, const json& value, const std::string& field) {
    json bad = good;
    bad[json::json_pointer(pointer)] = value;
    const auto profile = Profile::fromJson(bad);
    ASSERT_FALSE(profile) << pointer;
    EXPECT_NE(profile.error().message.find(field), std::string::npos) << profile.error().message;
  };
  refused("/version", 2, "profile.version");
  refused("/rows", -1, "profile.rows");
  refused("/rows", std::uint64_t{1} << 63, "profile.rows");
  refused("/rows", 1.5, "profile.rows");
  refused("/rows", 21, "profile.features[0]");
  refused("/dim", 1 << 20, "profile.dim");
  refused("/dim", 4, "profile.moments.sum");
  refused("/basis", 1, "profile.basis");
  refused("/basis", "", "profile.basis");
  refused("/features", json::array(), "profile.features");
  refused("/features/0/bins", json::array(), "profile.features[0].bins");
  refused("/features/0/bins/0", -1, "profile.features[0].bins[0]");
  refused("/features/0/missing", "2", "profile.features[0].missing");
  refused("/features/0/infinite", 20 + 1, "profile.features[0].infinite");
  refused("/fourier", {1, 2}, "profile.fourier");
  refused("/fourier/7", std::int64_t{1} << 40, "profile.fourier[7]");
  refused("/probes", nullptr, "profile.probes");
  refused("/probes/outer/0", 1e300, "profile.probes.outer[0]");
  refused("/moments/outer", json::object(), "profile.moments.outer");
  EXPECT_FALSE(Profile::fromJson(json::array()));
  EXPECT_NE(Profile::parse("{").error().message.find("JSON"), std::string::npos);
  EXPECT_FALSE(Profile::parse(std::string(200'000, '[')));
  EXPECT_FALSE(Profile::parse(good.dump(), 100));
}

// Each byte of a real profile is cut or changed: an answer of either kind, never a crash.
TEST(ProfileTest, NoDamageCrashes) {
  const auto b = basis();
  const std::string text = ProfileDocument{b, profileOf(b, rowsOf(20, 2), 0, 20)}.toJson().dump();
  std::mt19937 random(5);
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    std::string bad = text;
    if (i % 2)
      bad.resize(random() % bad.size());
    else
      bad[random() % bad.size()] = static_cast<char>(random() % 256);
    const auto value = json::parse(bad, nullptr, false);
    refused += value.is_discarded() || !ProfileDocument::fromJson(value);
  }
  EXPECT_GE(refused, 150) << "all that were cut";
}

TEST(ProfileTest, TheCovarianceFromProbesIsNearTheOneFromRows) {
  const auto b = basis();
  const auto rows = rowsOf(2000, 2);
  std::vector<double> point, wave;
  Eigen::MatrixXd all(2000, kFourierDim);
  for (int i = 0; i < 2000; ++i) {
    b.embed(rows[i], point);
    b.fourier(point, wave);
    all.row(i) = Eigen::Map<Eigen::RowVectorXd>(wave.data(), kFourierDim);
  }
  const Eigen::MatrixXd centered = all.rowwise() - all.colwise().mean();
  const double exact = (centered.transpose() * centered / 1999.0).squaredNorm();
  EXPECT_NEAR(profileOf(b, rows, 0, 2000).fourierCovarianceSq() / exact, 1, 0.35);
  double few = 0;
  for (int i = 0; i < 20; ++i)
    few += profileOf(b, rows, 50 * i, 50 * i + 50).fourierCovarianceSq() / 20;
  EXPECT_NEAR(few / exact, 1, 0.4);
}

TEST(ProfileTest, MomentsAreThoseOfTheScaledRows) {
  const auto b = basis();
  const auto profile = profileOf(b, rowsOf(1000, 2), 0, 1000);
  EXPECT_NEAR(profile.mean()[0], 0, 0.15);
  const auto covariance = profile.covariance();
  ASSERT_EQ(covariance.size(), 25u);
  EXPECT_NEAR(covariance[0], 1, 0.2);
  EXPECT_NEAR(covariance[1], 0, 0.15);
}

TEST(ProfileDocumentTest, RoundTripAndAProfileOfAnotherBasisIsRefused) {
  const auto b = basis();
  const ProfileDocument document{b, profileOf(b, rowsOf(20, 2), 0, 20)};
  const auto again = ProfileDocument::fromJson(json::parse(document.toJson().dump()));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->profile, document.profile);
  EXPECT_EQ(again->basis.id(), b.id());
  json bad = document.toJson();
  bad["basis"] = Basis::fit({"x", "y", "colour"}, rowsOf(300, 9))->toJson();
  EXPECT_NE(ProfileDocument::fromJson(bad).error().message.find("profile.basis"),
            std::string::npos);
  bad = document.toJson();
  bad["profile"]["features"].erase(0);
  EXPECT_FALSE(ProfileDocument::fromJson(bad));
  bad = document.toJson();
  bad["apiVersion"] = 2;
  EXPECT_NE(ProfileDocument::fromJson(bad).error().message.find("apiVersion"), std::string::npos);
}

}  // namespace
}  // namespace reprise::drift
