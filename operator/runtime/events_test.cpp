#include "runtime/events.h"

#include <gtest/gtest.h>

#include "runtime/testing/toy.h"

namespace reprise::runtime {
namespace {

using namespace testing;
namespace resources = kube::resources;

class EventsTest : public ::testing::Test {
 protected:
  void SetUp() override { subject.uid = "uid-toy"; }
  void record(const std::string& reason, const std::string& message, const Subject& about) {
    recorder.record(about, {false, reason, message});
    while (recorder.sendOne()) {
    }
  }
  void record(const std::string& reason, const std::string& message) {
    record(reason, message, subject);
  }
  std::vector<Json> events() { return client.list(resources::events); }

  FakeClock clock;
  FakeClient client;
  Subject subject = toySubject(toyObject(1));
  EventRecorder recorder{client, clock};
};

TEST_F(EventsTest, AnEventNamesItsObjectSoThatDescribeShowsIt) {
  recorder.record(subject, {true, "RunFailed", "run 3 failed"});
  EXPECT_TRUE(recorder.sendOne());
  ASSERT_EQ(events().size(), 1u);
  const Json event = events()[0];
  EXPECT_EQ(event["metadata"]["namespace"], "ns");
  EXPECT_EQ(event["involvedObject"]["kind"], "ModelDeployment");
  EXPECT_EQ(event["involvedObject"]["name"], "toy");
  EXPECT_EQ(event["involvedObject"]["uid"], "uid-toy");
  EXPECT_EQ(event["type"], "Warning");
  EXPECT_EQ(event["reason"], "RunFailed");
  EXPECT_EQ(event["message"], "run 3 failed");
  EXPECT_EQ(event["count"], 1);
}

TEST_F(EventsTest, TheSameAgainIsCountedAndNotRepeated) {
  record("Waiting", "for data");
  clock.advance(Milliseconds{60'000});
  record("Waiting", "for data");
  ASSERT_EQ(events().size(), 1u);
  EXPECT_EQ(events()[0]["count"], 2);
  EXPECT_EQ(events()[0]["firstTimestamp"], "2023-11-14T22:13:20Z");
  EXPECT_EQ(events()[0]["lastTimestamp"], "2023-11-14T22:14:20Z");
}

TEST_F(EventsTest, TheSameAfterTheServerForgotItIsMadeAnew) {
  record("Waiting", "for data");
  client.erase(resources::events, "ns", events()[0]["metadata"]["name"]);
  record("Waiting", "for data");
  ASSERT_EQ(events().size(), 1u);
  EXPECT_EQ(events()[0]["count"], 2);
  record("Waiting", "for data");
  ASSERT_EQ(events().size(), 1u);
  EXPECT_EQ(events()[0]["count"], 3);
}

TEST_F(EventsTest, Row32_AfterTenAlikeInTenMinutesTheyAreOne) {
  for (int i = 0; i < 20; ++i) record("Scored", "score " + std::to_string(i));
  EXPECT_EQ(events().size(), 11u);
  record("Other", "reason");
  EXPECT_EQ(events().size(), 12u) << "another reason is another group";
  int combined = 0;
  for (const Json& event : events()) {
    if (event["message"] == "(combined from similar events): score 19") {
      ++combined;
      EXPECT_EQ(event["count"], 10);
    }
  }
  EXPECT_EQ(combined, 1);
  clock.advance(Milliseconds{600'001});
  record("Scored", "score 99");
  EXPECT_EQ(events().size(), 13u) << "a new window";
}

TEST_F(EventsTest, Row32_AnObjectHasTwentyFiveInABurstThenOneInFiveMinutes) {
  for (int i = 0; i < 40; ++i) record("Reason" + std::to_string(i), "m");
  EXPECT_EQ(events().size(), 25u);
  EXPECT_EQ(recorder.dropped(), 15u);
  Subject other = subject;
  other.name = "other";
  record("Reason", "m", other);
  EXPECT_EQ(events().size(), 26u) << "each object has its own budget";
  clock.advance(Milliseconds{299'999});
  record("TooEarly", "m");
  EXPECT_EQ(events().size(), 26u);
  clock.advance(Milliseconds{1});
  record("InTime", "m");
  record("TooMany", "m");
  EXPECT_EQ(events().size(), 27u);
}

TEST_F(EventsTest, Row32_AFullQueueDropsAndCountsAndDoesNotBlock) {
  EventRecorder::Options options;
  options.capacity = 2;
  EventRecorder small(client, clock, options);
  for (int i = 0; i < 5; ++i) small.record(subject, {false, "R", std::to_string(i)});
  EXPECT_EQ(small.dropped(), 3u);
  EXPECT_EQ(client.writeCount(), 0u) << "nothing is sent on the caller's thread";
}

TEST_F(EventsTest, AServerThatFailsCostsTheEventAndNothingElse) {
  client.failNext({ErrorCode::Unavailable, "down", Sent::No, {}});
  record("Waiting", "for data");
  EXPECT_EQ(recorder.dropped(), 1u);
  record("Waiting", "for data");
  ASSERT_EQ(events().size(), 1u);
  EXPECT_EQ(events()[0]["count"], 2);
}

TEST_F(EventsTest, StopSendsWhatStillWaits) {
  for (int i = 0; i < 5; ++i) recorder.record(subject, {false, "R" + std::to_string(i), "m"});
  recorder.start();
  recorder.stop();
  EXPECT_EQ(events().size(), 5u);
  recorder.record(subject, {false, "Late", "m"});
  EXPECT_EQ(recorder.dropped(), 1u);
}

TEST_F(EventsTest, ALongMessageIsCutAtAWholeCharacter) {
  std::string message;
  while (message.size() < 2000) message += "\xE6\x9C\xAC";  // three bytes each
  record("Long", message);
  ASSERT_EQ(events().size(), 1u);
  const std::string cut = events()[0]["message"];
  EXPECT_LE(cut.size(), 1024u);
  EXPECT_EQ((cut.size() - 3) % 3, 0u);
  EXPECT_EQ(cut.substr(cut.size() - 3), "...");
}

TEST(EventCorrelator, RemembersABoundedNumberOfObjects) {
  FakeClock clock;
  EventCorrelator::Limits limits;
  limits.objects = 3;
  EventCorrelator correlator(clock, limits);
  Subject subject = toySubject(toyObject(1));
  for (int i = 0; i < 10; ++i) {
    subject.name = std::to_string(i);
    correlator.next(subject, {false, "R", "m"});
  }
  EXPECT_EQ(correlator.remembered(), 3u);
}

}  // namespace
}  // namespace reprise::runtime
