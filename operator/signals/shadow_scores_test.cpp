#include "signals/shadow_scores.h"

#include <gtest/gtest.h>

#include "signals/testing/answers.h"
#include "signals/testing/fake_monitors.h"

namespace reprise::signals {
namespace {

struct ShadowScoresTest : testing::Test {
  std::shared_ptr<FakeMonitors> fake = std::make_shared<FakeMonitors>();
  int news = 0;
  ShadowScores shadow{fake, Milliseconds(1), [this](const std::string&) { ++news; }};
  const MonitorTarget serving{"a", "uid-a", "10.0.0.1:9091", "fuel-2"};
  const MonitorTarget standby{"b", "uid-b", "10.0.0.2:9091", "fuel-1"};
  const MonitorTarget twin{"c", "uid-c", "10.0.0.3:9091", "fuel-1"};

  FakeMonitors::Monitor& at(const MonitorTarget& target) { return fake->monitors[target.address]; }
  std::int64_t rows() const {
    std::int64_t out = 0;
    for (const auto& block : shadow.scores("ns/fuel")) out += block.n;
    return out;
  }

  ShadowScoresTest() {
    for (int i = 1; i <= 120; ++i) at(serving).labelled.push_back(rowEntry(i));
    at(standby).score = {{"n", 1}, {"errorSum", 0.25}, {"errorSqSum", 0.25}};
    at(twin).score = at(standby).score;
  }
};

TEST_F(ShadowScoresTest, EachLabelledRowIsScoredOnceByOnePodOfEachOtherVersion) {
  shadow.watch("ns/fuel", "fuel-2", {serving, standby, twin});
  shadow.step();
  shadow.step();
  const auto blocks = shadow.scores("ns/fuel");
  ASSERT_EQ(blocks.size(), 3u);
  EXPECT_EQ(blocks[0].version, "fuel-1");
  EXPECT_EQ(blocks[0].answeredBy, "fuel-2") << "the rows are of what serves";
  EXPECT_EQ(blocks[0].n, 50);
  EXPECT_EQ(blocks[0].firstMs, 100);
  EXPECT_EQ(blocks[0].lastMs, 5000);
  EXPECT_DOUBLE_EQ(blocks[2].errorSum, 20 * 0.25);
  EXPECT_EQ(at(standby).scored + at(twin).scored, 120);
  EXPECT_EQ(at(serving).scored, 0);
  EXPECT_EQ(news, 1);
}

TEST_F(ShadowScoresTest, WhatIsBetterRowByRowIsKeptWhereTheMonitorTellsIt) {
  shadow.watch("ns/fuel", "fuel-2", {serving, standby});
  shadow.step();
  EXPECT_EQ(shadow.scores("ns/fuel")[0].pairs, 0) << "an older monitor";
  at(serving).labelled.push_back(rowEntry(121));
  at(standby).score.update({{"pairs", 1}, {"gainSum", -0.5}, {"gainSqSum", 0.25}});
  shadow.step();
  const auto block = shadow.scores("ns/fuel").back();
  EXPECT_EQ(block.pairs, 1);
  EXPECT_DOUBLE_EQ(block.gainSum, -0.5);
  EXPECT_DOUBLE_EQ(block.gainSqSum, 0.25);
}

TEST_F(ShadowScoresTest, WhatCouldNotBeScoredIsScoredLater) {
  at(standby).down = true;
  shadow.watch("ns/fuel", "fuel-2", {serving, standby});
  shadow.step();
  EXPECT_EQ(rows(), 0);
  at(standby).down = false;
  shadow.step();
  EXPECT_EQ(rows(), 120);
}

TEST_F(ShadowScoresTest, AVersionThatComesLaterIsScoredOnTheRowsThatAreKept) {
  shadow.watch("ns/fuel", "fuel-2", {serving});
  shadow.step();
  shadow.watch("ns/fuel", "fuel-2", {serving, standby});
  shadow.step();
  EXPECT_EQ(rows(), 120);
}

TEST_F(ShadowScoresTest, AMonitorThatStartedAnewIsReadFromItsBeginning) {
  shadow.watch("ns/fuel", "fuel-2", {serving, standby});
  shadow.step();
  at(serving).instance = "two";
  at(serving).labelled = {rowEntry(1), rowEntry(2)};
  shadow.step();
  shadow.step();
  EXPECT_EQ(rows(), 122);
}

TEST_F(ShadowScoresTest, AVersionThatServesIsNotItsOwnShadow) {
  shadow.watch("ns/fuel", "fuel-2", {serving, standby});
  shadow.step();
  shadow.watch("ns/fuel", "fuel-1", {serving, standby});
  EXPECT_EQ(rows(), 0);
  shadow.watch("ns/fuel", "", {});
  EXPECT_TRUE(shadow.scores("ns/fuel").empty());
}

}  // namespace
}  // namespace reprise::signals
