#include "runtime/controller.h"

#include <stdexcept>

#include <gtest/gtest.h>

#include "runtime/testing/toy.h"

namespace reprise::runtime {
namespace {

using namespace testing;
const Key key{"ns", "toy"};

class ControllerTest : public ::testing::Test {
 protected:
  Controller::Options options() {
    Controller::Options options;
    options.name = "toy";
    return options;
  }
  // Steps until nothing is ready, moving no clock.
  std::size_t drain() {
    std::size_t steps = 0;
    while (controller.step()) ++steps;
    return steps;
  }
  // How long until the controller looks again: moves the clock by single milliseconds.
  Milliseconds untilNext(Milliseconds limit) {
    for (Milliseconds waited{0}; waited <= limit; ++waited) {
      if (drain()) return waited;
      clock.advance(Milliseconds{1});
    }
    return Milliseconds{-1};
  }

  FakeClock clock;
  Metrics metrics;
  std::function<Outcome()> answer = [] { return Outcome{}; };
  bool caughtUp = true;
  int reconciles = 0;
  Controller controller{clock,
                        options(),
                        {.reconcile =
                             [this](const Key&) {
                               ++reconciles;
                               return answer();
                             },
                         .caughtUp = [this](const Key&) { return caughtUp; },
                         .everyKey = [] { return std::vector<Key>{key, {"ns", "missed"}}; }},
                        &metrics};
};

TEST_F(ControllerTest, AfterALongOutageItIsBackWithinHalfAMinute) {
  answer = [] {
    return Outcome{tl::unexpected(Error{ErrorCode::Unavailable, "connection refused"})};
  };
  controller.enqueue(key);
  for (int i = 0; i < 20; ++i) ASSERT_NE(untilNext(Milliseconds{30'000}), Milliseconds{-1}) << i;
}

TEST_F(ControllerTest, Row18_AChangeDoesNotCutAWaitShortThatTheServerAskedFor) {
  answer = [] {
    Error busy{ErrorCode::TooManyRequests, "busy"};
    busy.retryAfter = Milliseconds{3'000};
    return Outcome{tl::unexpected(busy)};
  };
  controller.enqueue(key);
  drain();
  answer = [] { return Outcome{}; };
  clock.advance(Milliseconds{100});
  controller.enqueue(key);  // a watch tells of a change
  drain();
  EXPECT_EQ(reconciles, 1);
  EXPECT_NE(untilNext(Milliseconds{2'900}), Milliseconds{-1});
  clock.advance(Milliseconds{1});
  drain();
  EXPECT_EQ(reconciles, 2);
  controller.enqueue(key);
  drain();
  EXPECT_EQ(reconciles, 3) << "it is over";
}

TEST_F(ControllerTest, WhatWentWellIsLookedAtAgainOnlyWhenAsked) {
  answer = [] { return Outcome{Milliseconds{50}}; };
  controller.enqueue(key);
  EXPECT_EQ(drain(), 1u);
  answer = [] { return Outcome{std::nullopt}; };
  EXPECT_EQ(untilNext(Milliseconds{100}), Milliseconds{50});
  EXPECT_EQ(untilNext(Milliseconds{1000}), Milliseconds{-1});
}

TEST_F(ControllerTest, Row34_RetriesBackOffAndASuccessStartsThemAnew) {
  answer = [] { return Outcome{fail(ErrorCode::Unavailable, "down")}; };
  controller.enqueue(key);
  drain();
  EXPECT_EQ(untilNext(Milliseconds{100}), Milliseconds{5});
  EXPECT_EQ(untilNext(Milliseconds{100}), Milliseconds{10});
  EXPECT_EQ(untilNext(Milliseconds{100}), Milliseconds{20});
  answer = [] { return Outcome{std::nullopt}; };
  EXPECT_EQ(untilNext(Milliseconds{100}), Milliseconds{40});
  EXPECT_EQ(controller.queue().failures(key), 0u);
}

TEST_F(ControllerTest, Row18_RetryAfterIsHonoured) {
  answer = [] {
    return Outcome{tl::unexpected(
        Error{ErrorCode::TooManyRequests, "slow down", Sent::No, Milliseconds{3000}})};
  };
  controller.enqueue(key);
  drain();
  EXPECT_EQ(untilNext(Milliseconds{5000}), Milliseconds{3000});
}

TEST_F(ControllerTest, Row19_AConflictComesBackSoonHoweverOften) {
  answer = [] { return Outcome{fail(ErrorCode::Conflict, "modified")}; };
  controller.enqueue(key);
  drain();
  EXPECT_EQ(untilNext(Milliseconds{10}), Milliseconds{5});
  for (int i = 0; i < 12; ++i) ASSERT_NE(untilNext(Milliseconds{1000}), Milliseconds{-1});
}

TEST_F(ControllerTest, AnErrorThatNeedsAHandIsTriedAgainSlowly) {
  answer = [] { return Outcome{fail(ErrorCode::Invalid, "spec.template: wrong")}; };
  controller.enqueue(key);
  drain();
  EXPECT_EQ(untilNext(Milliseconds{61'000}), Milliseconds{60'000});
}

TEST_F(ControllerTest, AnExceptionIsAnErrorAndTheWorkerLives) {
  answer = []() -> Outcome { throw std::runtime_error("oops"); };
  controller.enqueue(key);
  EXPECT_EQ(drain(), 1u);
  EXPECT_NE(
      metrics.text().find("reprise_reconcile_total{controller=\"toy\",result=\"Internal\"} 1"),
      std::string::npos)
      << metrics.text();
}

TEST_F(ControllerTest, Row20_ItDoesNotPlanBeforeTheCachesHaveSeenItsOwnWrites) {
  caughtUp = false;
  controller.enqueue(key);
  for (int i = 0; i < 5; ++i) EXPECT_NE(untilNext(Milliseconds{20}), Milliseconds{-1});
  EXPECT_EQ(reconciles, 0);
  caughtUp = true;
  untilNext(Milliseconds{20});
  EXPECT_EQ(reconciles, 1);
}

TEST_F(ControllerTest, ACacheThatNeverCatchesUpIsNotWaitedForForEver) {
  caughtUp = false;
  controller.enqueue(key);
  for (int i = 0; reconciles == 0 && i < 100'000; ++i) {
    drain();
    clock.advance(Milliseconds{10});
  }
  EXPECT_EQ(reconciles, 1);
}

TEST_F(ControllerTest, Row33_AfterAnOverflowEveryObjectIsLookedAt) {
  Controller::Options small = options();
  small.queue.capacity = 1;
  std::vector<Key> seen;
  Controller::Hooks hooks;
  hooks.reconcile = [&](const Key& k) {
    seen.push_back(k);
    return Outcome{std::nullopt};
  };
  hooks.everyKey = [] { return std::vector<Key>{{"ns", "missed"}}; };
  Controller tiny(clock, small, hooks);
  tiny.enqueue(key);
  tiny.enqueue({"ns", "missed"});  // no room
  while (tiny.step()) {
  }
  EXPECT_EQ(seen, (std::vector<Key>{key, {"ns", "missed"}}));
}

TEST_F(ControllerTest, WorkersDoWhatStepDoesAndStopDrainsThem) {
  controller.enqueue(key);
  controller.start();
  while (controller.queue().depth() > 0) std::this_thread::yield();
  EXPECT_TRUE(controller.stop());
  EXPECT_EQ(reconciles, 1);
  controller.enqueue(key);
  EXPECT_EQ(controller.queue().depth(), 0u) << "the intake has ended";
}

TEST_F(ControllerTest, TheDepthThatMetricsShowIsTheQueueAsItIsThen) {
  const auto shown = [&](int depth) {
    return metrics.text().find("reprise_queue_depth{controller=\"toy\"} " + std::to_string(depth) +
                               "\n") != std::string::npos;
  };
  EXPECT_TRUE(shown(0));
  controller.enqueue(key);
  controller.enqueue({"ns", "missed"});
  EXPECT_TRUE(shown(2));
  drain();
  EXPECT_TRUE(shown(0)) << metrics.text();
}

// Plan, act and caches that lag, together: an edit in each step, the caches synced at whim. At rest
// nothing is written.
TEST(ControllerWithActor, UnderRandomLagItReachesTheWantedStateAndThenWritesNothing) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    FakeClock clock;
    FakeClient client;
    FakeCache cache(client, toyKinds());
    KeptEvents kept;
    Actor actor(client, kept, cache, contentHashOf);
    Controller::Options options;
    options.name = "toy";
    Controller controller(clock, options,
                          {.reconcile = [&](const Key& k) -> Outcome {
                             const auto object = cache.find(toyKind(), k.ns, k.name);
                             if (!object) return std::nullopt;
                             const auto done =
                                 actor.act(toySubject(*object), toyPlan(*object, cache),
                                           cache.findChild(), [] { return true; });
                             if (!done) return tl::unexpected(done.error());
                             return std::nullopt;
                           },
                           .caughtUp = [&](const Key& k) { return actor.caughtUp(toyKind(), k); },
                           .everyKey = {}});
    unsigned random = seed;
    const auto draw = [&random](unsigned n) {
      return (random = random * 1664525u + 1013904223u) / 65536u % n;
    };
    client.put(toyKind(), toyObject(1));
    for (int i = 0, n = 1; i < 200; ++i) {
      switch (draw(4)) {
        case 0:
          cache.sync();
          controller.enqueue(key);
          break;
        case 1: clock.advance(Milliseconds{draw(50)}); break;
        case 2: controller.step(); break;
        case 3:
          if (draw(10) == 0) {
            Json object = client.find(toyKind(), "ns", "toy").value();
            object["spec"]["n"] = n = n % 4 + 1;
            client.put(toyKind(), object);
          } else if (draw(10) == 0) {
            client.failNext({ErrorCode::Unavailable, "down", Sent::Maybe, {}},
                            draw(2) ? FakeClient::When::Before : FakeClient::When::After);
          }
      }
    }
    for (int i = 0; i < 50; ++i) {
      cache.sync();
      controller.enqueue(key);
      clock.advance(Milliseconds{2'000'000});
      while (controller.step()) cache.sync();
    }
    const Json toy = client.find(toyKind(), "ns", "toy").value();
    const std::string n = std::to_string(toy["spec"]["n"].get<int>());
    EXPECT_EQ(toy["status"]["n"], toy["spec"]["n"]);
    EXPECT_EQ(client.find(kube::resources::configMaps, "ns", "config").value()["spec"]["n"],
              toy["spec"]["n"]);
    EXPECT_TRUE(client.find(kube::resources::jobs, "ns", "run-" + n));
    EXPECT_TRUE(client.find(kube::resources::services, "ns", "front-" + n));
    client.clearWrites();
    for (int i = 0; i < 5; ++i) {
      cache.sync();
      controller.enqueue(key);
      while (controller.step()) {
      }
    }
    EXPECT_EQ(client.writeCount(), 0u) << "seed " << seed;
  }
}

}  // namespace
}  // namespace reprise::runtime
