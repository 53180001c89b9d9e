#include "runtime/actor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/testing/toy.h"

namespace reprise::runtime {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace resources = kube::resources;

class ActorTest : public ::testing::Test {
 protected:
  ActorTest() {
    client.put(toyKind(), toyObject(1));
    cache.sync();
  }
  Json object() { return *cache.find(toyKind(), "ns", "toy"); }
  Expected<void> actOn(const api::Plan& plan) {
    return actor.act(toySubject(object()), plan, cache.findChild(), [this] { return leads; });
  }
  Expected<void> reconcile() { return actOn(toyPlan(object(), cache)); }
  std::vector<std::string> writes() {
    std::vector<std::string> out;
    for (const Write& write : client.writes()) out.push_back(write.text());
    return out;
  }
  void settle() {
    ASSERT_TRUE(reconcile());
    cache.sync();
    client.clearWrites();
  }
  Json fetched(const kube::Resource& kind, const std::string& name) {
    return client.find(kind, "ns", name).value();
  }

  FakeClient client;
  FakeCache cache{client, toyKinds()};
  KeptEvents kept;
  bool leads = true;
  Actor actor{client, kept, cache, contentHashOf};
};

TEST_F(ActorTest, WritesTheStatusThenTheChildrenInTheirOrderThenRemovesThenTellsEvents) {
  client.put(toyKind(), toyObject(2));
  client.put(resources::services, toyChild(toySubject(client.find(toyKind(), "ns", "toy").value()),
                                           resources::services, "front-1", {{"port", 80}}));
  cache.sync();
  api::Plan plan = toyPlan(object(), cache);
  plan.events.push_back({false, "Moved", "to 2"});
  ASSERT_TRUE(actOn(plan));
  EXPECT_THAT(writes(), ElementsAre("apply/status modeldeployments/toy", "create jobs/run-2",
                                    "apply configmaps/config", "apply services/front-2",
                                    "remove services/front-1"));
  ASSERT_EQ(kept.events.size(), 1u);
  EXPECT_EQ(kept.events[0].reason, "Moved");
  EXPECT_EQ(fetched(toyKind(), "toy")["status"]["n"], 2);
}

TEST_F(ActorTest, Row19_AStatusOlderThanTheObjectIsAConflictAndNothingElseIsWritten) {
  const api::Plan plan = toyPlan(object(), cache);
  client.put(toyKind(), toyObject(2));  // the user edits after it was read
  const auto done = actOn(plan);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::Conflict);
  EXPECT_EQ(client.changeCount(), 0u);
  EXPECT_EQ(client.writeCount(), 1u);
  EXPECT_THAT(kept.events, IsEmpty()) << "a conflict passes by itself";
}

TEST_F(ActorTest, Row22_AtRestNothingIsWrittenAlsoAfterARestart) {
  settle();
  ASSERT_TRUE(reconcile());
  EXPECT_THAT(writes(), IsEmpty());
  Actor restarted(client, kept, cache, contentHashOf);
  ASSERT_TRUE(restarted.act(toySubject(object()), toyPlan(object(), cache), cache.findChild(),
                            [] { return true; }));
  EXPECT_THAT(writes(), IsEmpty());
}

TEST_F(ActorTest, Row23_AForeignEditIsTakenBackOnce) {
  settle();
  Json edited = fetched(resources::configMaps, "config");
  edited["spec"]["n"] = 77;
  client.put(resources::configMaps, edited);
  cache.sync();
  ASSERT_TRUE(reconcile());
  EXPECT_THAT(writes(), ElementsAre("apply configmaps/config"));
  EXPECT_EQ(fetched(resources::configMaps, "config")["spec"]["n"], 1);
  cache.sync();
  ASSERT_TRUE(reconcile());
  EXPECT_EQ(client.writeCount(), 1u);
}

TEST_F(ActorTest, Row23_AForeignFieldThatIsNotOursIsKeptAndNotFoughtOver) {
  settle();
  Json edited = fetched(resources::configMaps, "config");
  edited["spec"]["theirs"] = true;  // as an autoscaler or a service mesh adds fields
  client.put(resources::configMaps, edited);
  for (int i = 0; i < 3; ++i) {
    cache.sync();
    ASSERT_TRUE(reconcile());
  }
  EXPECT_EQ(client.writeCount(), 1u);
  EXPECT_EQ(client.changeCount(), 0u);
  EXPECT_EQ(fetched(resources::configMaps, "config")["spec"]["theirs"], true);
}

TEST_F(ActorTest, Row24_AFieldThatIsNoLongerWantedIsRemoved) {
  settle();
  client.put(toyKind(), toyObject(2));
  cache.sync();
  ASSERT_TRUE(reconcile());
  const Json config = fetched(resources::configMaps, "config");
  EXPECT_FALSE(config["spec"].contains("only-1"));
  EXPECT_TRUE(config["spec"].contains("only-2"));
}

TEST_F(ActorTest, Row22_AStatusFieldOfSomebodyElseDoesNotMakeItWriteForEver) {
  settle();
  Json object = fetched(toyKind(), "toy");
  object["status"]["theirs"] = "x";
  client.put(toyKind(), object);
  for (int i = 0; i < 3; ++i) {
    cache.sync();
    ASSERT_TRUE(reconcile());
  }
  EXPECT_EQ(client.writeCount(), 1u);
  EXPECT_EQ(client.changeCount(), 0u);
}

class ForeignChild : public ActorTest, public ::testing::WithParamInterface<bool> {};

TEST_P(ForeignChild, Row21_IsNamedInTheErrorAndNotOverwritten) {
  Json foreign = {{"apiVersion", "v1"},
                  {"kind", "Service"},
                  {"metadata", {{"name", "front-1"}, {"namespace", "ns"}}},
                  {"spec", {{"port", 8080}}}};
  client.put(resources::services, foreign);
  if (GetParam()) cache.sync();  // seen, or hidden from the cache by its label selector
  const auto done = reconcile();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::AlreadyExists);
  EXPECT_THAT(done.error().message, HasSubstr("Service ns/front-1"));
  EXPECT_THAT(done.error().message, HasSubstr("delete or rename"));
  EXPECT_EQ(fetched(resources::services, "front-1")["spec"]["port"], 8080);
  ASSERT_EQ(kept.events.size(), 1u) << "the user must see it";
  EXPECT_TRUE(kept.events[0].warning);
}
INSTANTIATE_TEST_SUITE_P(SeenOrNot, ForeignChild, ::testing::Bool());

TEST_F(ActorTest, Row21_AJobOfTheNameThatBelongsToAnotherIsAnError) {
  client.put(resources::jobs, {{"apiVersion", "batch/v1"},
                               {"kind", "Job"},
                               {"metadata", {{"name", "run-1"}, {"namespace", "ns"}}},
                               {"spec", {{"n", 9}}}});
  const auto done = reconcile();
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("Job ns/run-1"));
  EXPECT_EQ(fetched(resources::jobs, "run-1")["spec"]["n"], 9);
}

TEST_F(ActorTest, AJobIsNeverAppliedOverEvenWhereItsTemplateWouldDiffer) {
  settle();
  api::Plan plan = toyPlan(object(), cache);
  plan.apply[0]["spec"]["n"] = 5;
  ASSERT_TRUE(actOn(plan));
  EXPECT_THAT(writes(), IsEmpty());
}

TEST_F(ActorTest, Row21_AnAnswerThatWasLostStartsNoSecondRun) {
  client.failNext({ErrorCode::Timeout, "lost", Sent::Maybe, {}}, FakeClient::When::After);
  ASSERT_FALSE(reconcile()) << "the status";
  cache.sync();
  client.failNext({ErrorCode::Timeout, "lost", Sent::Maybe, {}}, FakeClient::When::After);
  ASSERT_FALSE(reconcile()) << "the Job";
  ASSERT_TRUE(reconcile()) << "the cache has not seen the Job yet";
  EXPECT_EQ(client.list(resources::jobs).size(), 1u);
}

TEST_F(ActorTest, Row28_LeadershipIsCheckedBeforeEachWriteAndNotOnlyTheFirst) {
  client.onCall = [&](const std::string& verb, const std::string&, const std::string&) {
    if (verb == "create") leads = false;  // lost while the Job is on its way
  };
  const auto done = reconcile();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::Cancelled);
  EXPECT_THAT(writes(), ElementsAre("apply/status modeldeployments/toy", "create jobs/run-1"));
}

TEST_F(ActorTest, Row07_ARemovalMeansThisVeryObjectAndNotItsSuccessorOfTheSameName) {
  settle();
  api::Plan plan;
  plan.remove.push_back({"v1", "Service", "ns", "front-1", "uid-of-an-earlier-one"});
  EXPECT_TRUE(actOn(plan));
  EXPECT_TRUE(client.find(resources::services, "ns", "front-1"));
}

TEST_F(ActorTest, Row07_AChildThatWasMadeAnewSinceItWasSeenIsAConflictAndNotTouched) {
  settle();
  client.put(toyKind(), toyObject(2));
  cache.sync();
  Json other = fetched(resources::configMaps, "config");
  client.erase(resources::configMaps, "ns", "config");
  other["metadata"] = {{"name", "config"}, {"namespace", "ns"}};
  client.put(resources::configMaps, other);
  const auto done = reconcile();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::Conflict);
  EXPECT_EQ(fetched(resources::configMaps, "config")["spec"]["n"], 1);
  client.erase(resources::configMaps, "ns", "config");
  const auto gone = reconcile();
  ASSERT_FALSE(gone) << "and one that is gone is not made from an old cache";
  EXPECT_EQ(gone.error().code, ErrorCode::Conflict);
}

TEST_F(ActorTest, Row20_ItIsNotCaughtUpBeforeTheCacheHasSeenItsWrites) {
  EXPECT_TRUE(actor.caughtUp(toyKind(), {"ns", "toy"}));
  ASSERT_TRUE(reconcile());
  EXPECT_FALSE(actor.caughtUp(toyKind(), {"ns", "toy"}));
  EXPECT_TRUE(actor.caughtUp(toyKind(), {"ns", "another"}));
  cache.sync();
  EXPECT_TRUE(actor.caughtUp(toyKind(), {"ns", "toy"}));
}

TEST_F(ActorTest, AChildWithoutItsParentAsControllerIsRefused) {
  api::Plan plan = toyPlan(object(), cache);
  plan.apply[0]["metadata"].erase("ownerReferences");
  plan.status = nullptr;
  const auto done = actOn(plan);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::Internal);
  EXPECT_EQ(client.writeCount(), 0u);
}

// Kill the operator before and after each of its writes; a new one must end in the same state, and
// have made nothing twice.
TEST(ActorCrash, BeforeOrAfterAnyWriteEndsInTheSameState) {
  const auto run = [](std::size_t crashAt, FakeClient::When when, std::size_t* changes,
                      bool* crashed) {
    FakeClient client;
    FakeCache cache(client, toyKinds());
    client.put(toyKind(), toyObject(1));
    KeptEvents kept;
    if (crashAt) client.crashAt(crashAt, when);
    const auto reconcileUntilDone = [&] {
      for (;;) {
        Actor actor(client, kept, cache, contentHashOf);
        try {
          for (int rest = 0; rest < 2;) {
            cache.sync();
            const Json object = cache.find(toyKind(), "ns", "toy").value();
            const std::size_t before = client.writeCount();
            EXPECT_TRUE(actor.act(toySubject(object), toyPlan(object, cache), cache.findChild(),
                                  [] { return true; }));
            rest = client.writeCount() == before ? rest + 1 : 0;
          }
          return;
        } catch (const Crash&) {
          *crashed = true;
        }
      }
    };
    reconcileUntilDone();
    Json edited = client.find(toyKind(), "ns", "toy").value();
    edited["spec"]["n"] = 2;
    client.put(toyKind(), edited);
    reconcileUntilDone();
    *changes = client.changeCount();
    for (const Write& write : client.writes()) {
      EXPECT_TRUE(write.changed) << write.text() << " was done twice; crash at " << crashAt;
    }
    return client.state();
  };
  std::size_t reference = 0;
  bool crashed = false;
  const Json expected = run(0, FakeClient::When::Before, &reference, &crashed);
  ASSERT_EQ(reference, 9u);  // 4 for n=1; then status, Job, ConfigMap, Service, and the removal
  for (std::size_t at = 1; at <= reference; ++at) {
    for (const auto when : {FakeClient::When::Before, FakeClient::When::After}) {
      std::size_t changes = 0;
      crashed = false;
      EXPECT_EQ(run(at, when, &changes, &crashed), expected) << "crash at write " << at;
      EXPECT_EQ(changes, reference) << "crash at write " << at;
      EXPECT_TRUE(crashed);
    }
  }
}

}  // namespace
}  // namespace reprise::runtime
