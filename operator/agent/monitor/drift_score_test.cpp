#include "agent/monitor/drift_score.h"

#include <random>

#include <gtest/gtest.h>

#include "agent/monitor/exposition.h"

namespace reprise::agent::monitor {
namespace {

class DriftScoreTest : public ::testing::Test {
 protected:
  DriftScoreTest() : basis_(*drift::Basis::fit({"x", "y"}, rowsAt(0, 1000))) {}

  std::vector<drift::Row> rowsAt(double x, int count) {
    std::normal_distribution<double> normal;
    std::vector<drift::Row> out;
    for (int i = 0; i < count; ++i) out.push_back({x + normal(random_), normal(random_)});
    return out;
  }
  drift::Profile profileAt(double x, int count) {
    drift::Profile out(basis_);
    for (const auto& row : rowsAt(x, count)) EXPECT_TRUE(out.add(basis_, row));
    return out;
  }

  std::mt19937 random_{7};
  drift::Basis basis_;
};

TEST_F(DriftScoreTest, SaysNothingBeforeThereAreEnoughRows) {
  DriftScore score(basis_, profileAt(0, 1000));
  for (int i = 0; i < 3; ++i) score.add(profileAt(0, 50));
  EXPECT_FALSE(score.score());
  score.add(profileAt(0, 50));
  ASSERT_TRUE(score.score());
  EXPECT_EQ(score.score()->rows, 200);
}

TEST_F(DriftScoreTest, TellsAShiftFromNoneAndWhichFeatureMoved) {
  DriftScore score(basis_, profileAt(0, 1000));
  for (int i = 0; i < 8; ++i) score.add(profileAt(0, 50));
  EXPECT_LT(score.score()->z, 5);
  EXPECT_LT(score.score()->effect, 0.05);
  for (int i = 0; i < 4; ++i) score.add(profileAt(3, 50));  // the rows before are passed over
  const auto moved = *score.score();
  EXPECT_EQ(moved.rows, 200);
  EXPECT_GT(moved.z, 50);
  EXPECT_GT(moved.effect, 0.3);
  ASSERT_EQ(moved.features.size(), 2u);
  EXPECT_EQ(moved.features[0].name, "x");
  EXPECT_GT(moved.features[0].jensenShannon, 0.4);
  EXPECT_LT(moved.features[1].jensenShannon, 0.1);
}

TEST_F(DriftScoreTest, WindowsOfOneRowAreJoined) {
  DriftScore score(basis_, profileAt(0, 1000));
  for (int i = 0; i < 1000; ++i) score.add(profileAt(0, 1));
  ASSERT_TRUE(score.score());
  EXPECT_GE(score.score()->rows, 200);
  EXPECT_LT(score.score()->rows, 250);
}

TEST_F(DriftScoreTest, ReferenceOfFewRowsHasNoScore) {
  DriftScore score(basis_, profileAt(0, 2));
  score.add(profileAt(0, 300));
  EXPECT_FALSE(score.score());
}

TEST_F(DriftScoreTest, AnswersAreComparedToo) {
  drift::ProfileDocument trained{basis_, profileAt(0, 300)};
  ASSERT_TRUE(trained.fitPredictions({1.0, 2.0}));
  for (int i = 0; i < 300; ++i)
    ASSERT_TRUE(trained.profile.addPrediction(trained.basis, i % 2 ? 1.0 : 2.0));
  basis_ = trained.basis;
  DriftScore same(basis_, trained.profile), other(basis_, trained.profile);
  drift::Profile live = profileAt(0, 200);
  other.add(live);
  EXPECT_FALSE(other.score()->predictions);
  drift::Profile alike = live, away = live;
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(alike.addPrediction(basis_, i % 2 ? 1.0 : 2.0));
    ASSERT_TRUE(away.addPrediction(basis_, 3.0));
  }
  same.add(alike);
  other.add(away);
  EXPECT_LT(*same.score()->predictions, 0.01);
  EXPECT_GT(*other.score()->predictions, 0.99);
}

TEST_F(DriftScoreTest, SeriesAreBounded) {
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back("f" + std::to_string(i));
  std::vector<drift::Row> rows;
  for (int k = 0; k < 300; ++k) {
    drift::Row row;
    for (int i = 0; i < 100; ++i) row.emplace_back(static_cast<double>((k * (i + 3)) % 17));
    rows.push_back(row);
  }
  const auto basis = *drift::Basis::fit(names, rows);
  drift::Profile profile(basis);
  for (const auto& row : rows) ASSERT_TRUE(profile.add(basis, row));
  DriftScore score(basis, profile);
  score.add(profile);
  ASSERT_TRUE(score.score());
  EXPECT_EQ(score.score()->features.size(), kMaxFeatureSeries);
  EXPECT_EQ(score.score()->features.back().name, "f63");
}

TEST_F(DriftScoreTest, ExpositionHasItWhereThereIsOne) {
  const Counters counters;
  EXPECT_EQ(exposition(counters, std::nullopt, "m", "m-1").find("drift"), std::string::npos);
  const DriftScore::Score score{200, 0.5, 9.25, 0.125, {{"a \"b\"", 0.25}}};
  const auto text = exposition(counters, score, "m", "m-1");
  for (const char* line :
       {"reprise_monitor_drift_effect{model=\"m\",version=\"m-1\"} 0.5\n",
        "reprise_monitor_drift_z{model=\"m\",version=\"m-1\"} 9.25\n",
        "reprise_monitor_prediction_distance{model=\"m\",version=\"m-1\"} 0.125\n",
        "reprise_monitor_drift_rows{model=\"m\",version=\"m-1\"} 200\n",
        "reprise_monitor_feature_distance{model=\"m\",version=\"m-1\",feature=\"a \\\"b\\\"\"} "
        "0.25\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace reprise::agent::monitor
