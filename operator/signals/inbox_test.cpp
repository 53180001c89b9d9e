#include "signals/inbox.h"

#include <gtest/gtest.h>

#include "signals/rate_limit.h"

namespace reprise::signals {
namespace {

using Verdict = Inbox::Verdict;

DriftSignal signal(const std::string& id, const std::string& source = "s") {
  DriftSignal out;
  out.id = id;
  out.source = source;
  return out;
}

TEST(Inbox, AnEventIsTakenOnceAndStaysUntilItIsDone) {
  Inbox inbox;
  EXPECT_EQ(inbox.put("ns/a", signal("1"), "d", {}), Verdict::Taken);
  EXPECT_EQ(inbox.put("ns/a", signal("1"), "d", {}), Verdict::Duplicate);
  EXPECT_EQ(inbox.put("ns/a", signal("1"), "other", {}), Verdict::Reused);
  EXPECT_EQ(inbox.put("ns/a", signal("1", "t"), "d", {}), Verdict::Taken) << "another source";
  EXPECT_EQ(inbox.put("ns/b", signal("1"), "d", {}), Verdict::Taken) << "another deployment";
  EXPECT_EQ(inbox.pending("ns/a").size(), 2u);
  inbox.done("ns/a", {{signal("1"), {}}});
  ASSERT_EQ(inbox.pending("ns/a").size(), 1u);
  EXPECT_EQ(inbox.pending("ns/a")[0].signal.source, "t");
  EXPECT_EQ(inbox.put("ns/a", signal("1"), "d", {}), Verdict::Duplicate) << "done, not forgotten";
  inbox.forget("ns/a");
  EXPECT_TRUE(inbox.pending("ns/a").empty());
}

TEST(Inbox, IsBounded) {
  Inbox inbox;
  for (std::size_t i = 0; i < Inbox::kMaxPending; ++i)
    EXPECT_EQ(inbox.put("o", signal(std::to_string(i)), "d", {}), Verdict::Taken);
  EXPECT_EQ(inbox.put("o", signal("more"), "d", {}), Verdict::Full);
  inbox.done("o", {{signal("0"), {}}});
  EXPECT_EQ(inbox.put("o", signal("more"), "d", {}), Verdict::Taken) << "it was not remembered";
}

TEST(RateLimit, ABurstThenOneEachTime) {
  RateLimit limit(2, Milliseconds(1000));
  SteadyTime now{};
  EXPECT_FALSE(limit.take("a", now));
  EXPECT_FALSE(limit.take("a", now));
  EXPECT_EQ(limit.take("a", now), Milliseconds(1000));
  EXPECT_FALSE(limit.take("b", now)) << "another key";
  now += Milliseconds(400);
  EXPECT_EQ(limit.take("a", now), Milliseconds(600));
  now += Milliseconds(600);
  EXPECT_FALSE(limit.take("a", now));
  EXPECT_TRUE(limit.take("a", now));
}

TEST(RateLimit, KeysAreBounded) {
  RateLimit limit(1, Milliseconds(1000), 3);
  SteadyTime now{};
  for (const char* key : {"a", "b", "c", "d"}) {
    now += Milliseconds(1);
    EXPECT_FALSE(limit.take(key, now));
  }
  EXPECT_TRUE(limit.take("d", now));
  EXPECT_FALSE(limit.take("a", now)) << "the one that was not used for the longest is forgotten";
}

}  // namespace
}  // namespace reprise::signals
