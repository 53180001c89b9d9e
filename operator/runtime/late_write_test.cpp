// Row 28: a leader that was stopped while it worked, and goes on when another one leads, writes
// nothing more. Actor and Elector together, each leader with the clock of its machine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/actor.h"
#include "runtime/elector.h"
#include "runtime/testing/toy.h"

namespace reprise::runtime {
namespace {

using namespace testing;
using std::chrono::seconds;
using ::testing::ElementsAre;

struct Leader {
  Leader(FakeClient& shared, const std::string& identity)
      : client(shared),
        elector(shared, clock, {.ns = "sys", .name = "reprise", .identity = identity},
                {[] {}, [this](const std::string&) { ++lost; }}, [] { return 0.5; }) {}

  Expected<void> reconcile() {
    cache.sync();
    const Json object = *cache.find(toyKind(), "ns", "toy");
    return actor.act(toySubject(object), toyPlan(object, cache), cache.findChild(),
                     [this] { return elector.leads(); });
  }

  FakeClient& client;
  FakeClock clock;
  int lost = 0;
  FakeCache cache{client, toyKinds()};
  KeptEvents kept;
  Actor actor{client, kept, cache, contentHashOf};
  Elector elector;
};

class LateWrite : public ::testing::Test {
 protected:
  LateWrite() {
    client.put(toyKind(), toyObject(1));
    EXPECT_TRUE(first.elector.attempt());
    EXPECT_FALSE(second.elector.attempt());
  }
  // The first one is stopped for as long as it takes the second one to lead.
  void firstStopsAndSecondLeads() {
    stopped = true;
    first.clock.advance(seconds{20});
    second.clock.advance(seconds{20});
    ASSERT_TRUE(second.elector.attempt());
  }
  // That changed something.
  std::vector<std::string> writesSince(std::size_t begin) {
    std::vector<std::string> out;
    const auto all = client.writes();
    for (std::size_t i = begin; i < all.size(); ++i) {
      if (all[i].changed) out.push_back(all[i].text());
    }
    return out;
  }

  bool stopped = false;
  FakeClient client;
  Leader first{client, "first"}, second{client, "second"};
};

TEST_F(LateWrite, Row28_IsNotSentThoughNoThreadHasSeenYetThatTheLeaseRanOut) {
  std::size_t before = 0;
  client.onCall = [&](const std::string& verb, const std::string&, const std::string&) {
    if (stopped || verb != "create") return;  // its Job is on its way
    firstStopsAndSecondLeads();
    before = client.writes().size();
  };
  const auto done = first.reconcile();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::Cancelled);
  EXPECT_THAT(writesSince(before), ElementsAre("create jobs/run-1")) << "what was sent before";
  ASSERT_TRUE(second.reconcile());
  EXPECT_EQ(client.list(kube::resources::jobs).size(), 1u) << "and is taken over";
}

// Between the look at the lease and the request there is always a moment. Then the versions that
// the request carries decide.
TEST_F(LateWrite, Row28_ThatWasCheckedInTimeIsRefusedByTheServerOnceTheSuccessorHasWritten) {
  std::size_t before = 0;
  client.onCall = [&](const std::string& verb, const std::string&, const std::string&) {
    if (stopped || verb != "apply/status") return;
    firstStopsAndSecondLeads();
    ASSERT_TRUE(second.reconcile());
    before = client.writes().size();
  };
  const auto done = first.reconcile();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::Conflict) << done.error().message;
  EXPECT_THAT(writesSince(before), ElementsAre());
  EXPECT_FALSE(first.elector.checkDeadline());
  EXPECT_EQ(first.lost, 1);
}

}  // namespace
}  // namespace reprise::runtime
