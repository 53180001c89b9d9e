#include "runtime/work_queue.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace reprise::runtime {
namespace {

const Key kA{"ns", "a"}, kB{"ns", "b"}, kC{"ns", "c"};

class WorkQueueTest : public ::testing::Test {
 protected:
  FakeClock clock;
  WorkQueue queue{clock};
};

TEST_F(WorkQueueTest, AKeyAddedTwiceIsTakenOnce) {
  queue.add(kA);
  queue.add(kA);
  EXPECT_EQ(queue.depth(), 1u);
  EXPECT_EQ(queue.tryTake(), kA);
  EXPECT_EQ(queue.tryTake(), std::nullopt);
}

TEST_F(WorkQueueTest, Row34_AKeyInWorkIsNotGivenToASecondWorkerAndComesBackWhenDone) {
  queue.add(kA);
  ASSERT_EQ(queue.tryTake(), kA);
  queue.add(kA);
  EXPECT_EQ(queue.tryTake(), std::nullopt);
  queue.done(kA);
  EXPECT_EQ(queue.tryTake(), kA);
  queue.done(kA);
  EXPECT_EQ(queue.tryTake(), std::nullopt);
}

TEST_F(WorkQueueTest, Row33_ChangesOvertakeTheInitialList) {
  queue.add(kA, Priority::Low);
  queue.add(kB, Priority::Low);
  queue.add(kC, Priority::High);
  queue.add(kB, Priority::High);  // listed, and then changed
  EXPECT_EQ(queue.depth(), 3u);
  EXPECT_EQ(queue.tryTake(), kC);
  EXPECT_EQ(queue.tryTake(), kB);
  EXPECT_EQ(queue.tryTake(), kA);
  EXPECT_EQ(queue.tryTake(), std::nullopt);
}

TEST_F(WorkQueueTest, AListedKeyDoesNotLowerTheChangeThatWaits) {
  queue.add(kA, Priority::Low);
  queue.add(kB, Priority::High);
  queue.add(kB, Priority::Low);
  EXPECT_EQ(queue.tryTake(), kB);
  EXPECT_EQ(queue.tryTake(), kA);
}

TEST_F(WorkQueueTest, ADelayedKeyComesWhenItIsDueAndTheEarliestDelayCounts) {
  queue.addAfter(kA, Milliseconds{100});
  queue.addAfter(kA, Milliseconds{40});
  queue.addAfter(kA, Milliseconds{70});
  clock.advance(Milliseconds{39});
  EXPECT_EQ(queue.tryTake(), std::nullopt);
  clock.advance(Milliseconds{1});
  EXPECT_EQ(queue.tryTake(), kA);
  queue.done(kA);
  clock.advance(Milliseconds{1000});
  EXPECT_EQ(queue.tryTake(), std::nullopt) << "the later delays were replaced";
  EXPECT_EQ(queue.delayed(), 0u);
}

TEST_F(WorkQueueTest, Row34_BackOffDoublesFromFiveMillisecondsToAThousandSeconds) {
  std::vector<std::int64_t> delays;
  for (int i = 0; i < 20; ++i) delays.push_back(queue.addRateLimited(kA).count());
  EXPECT_EQ(delays[0], 5);
  EXPECT_EQ(delays[1], 10);
  EXPECT_EQ(delays[10], 5120);
  EXPECT_EQ(delays[18], 1'000'000);
  EXPECT_EQ(delays[19], 1'000'000);
  EXPECT_EQ(queue.addRateLimited(kB).count(), 5) << "each key has its own";
  queue.forget(kA);
  EXPECT_EQ(queue.failures(kA), 0u);
  EXPECT_EQ(queue.addRateLimited(kA).count(), 5);
}

TEST_F(WorkQueueTest, Row33_AFullQueueRefusesAndSaysThatAListIsNeeded) {
  WorkQueue::Options options;
  options.capacity = 2;
  WorkQueue small(clock, options);
  EXPECT_TRUE(small.add(kA));
  EXPECT_TRUE(small.addAfter(kB, Milliseconds{10}));
  EXPECT_FALSE(small.takeOverflow());
  EXPECT_FALSE(small.add(kC));
  EXPECT_TRUE(small.add(kA)) << "one that waits already needs no room";
  EXPECT_TRUE(small.takeOverflow());
  EXPECT_FALSE(small.takeOverflow());
}

TEST_F(WorkQueueTest, Row33_LagIsTheTimeFromReadyToTaken) {
  std::vector<Milliseconds> lags;
  WorkQueue::Options options;
  options.onLag = [&](Milliseconds lag) { lags.push_back(lag); };
  WorkQueue measured(clock, options);
  measured.add(kA);
  clock.advance(Milliseconds{250});
  measured.tryTake();
  EXPECT_EQ(lags, std::vector{Milliseconds{250}});
}

TEST_F(WorkQueueTest, ShutDownEndsTheIntakeWakesTakersAndWaitsForKeysInWork) {
  queue.add(kA);
  ASSERT_EQ(queue.take(), kA);
  std::optional<Key> got = kA;
  std::thread waiting([&] { got = queue.take(); });
  queue.shutDown();
  waiting.join();
  EXPECT_EQ(got, std::nullopt);
  EXPECT_FALSE(queue.add(kB));
  EXPECT_FALSE(queue.addAfter(kB, Milliseconds{1}));
  EXPECT_FALSE(queue.waitIdle(Milliseconds{0})) << "a is still in work";
  queue.done(kA);
  EXPECT_TRUE(queue.waitIdle(Milliseconds{0}));
}

TEST_F(WorkQueueTest, Row34_ManyWorkersNeverHoldTheSameKeyAndLoseNothing) {
  constexpr int kKeys = 8, kRounds = 500;
  std::atomic<int> inWork[kKeys] = {}, seen[kKeys] = {}, wanted[kKeys] = {};
  std::atomic<bool> shared = false;
  std::vector<std::thread> workers;
  for (int w = 0; w < 4; ++w) {
    workers.emplace_back([&] {
      while (auto key = queue.take()) {
        const int i = std::stoi(key->name);
        if (inWork[i].fetch_add(1) != 0) shared = true;
        seen[i] = wanted[i].load();
        inWork[i].fetch_sub(1);
        queue.done(*key);
      }
    });
  }
  for (int round = 1; round <= kRounds; ++round) {
    for (int i = 0; i < kKeys; ++i) {
      wanted[i] = round;
      queue.add(Key{"ns", std::to_string(i)});
    }
  }
  for (int i = 0; i < kKeys; ++i) {
    while (seen[i] != kRounds)
      std::this_thread::yield();  // level-triggered: the last change is always seen
  }
  queue.shutDown();
  for (std::thread& worker : workers) worker.join();
  EXPECT_FALSE(shared);
}

}  // namespace
}  // namespace reprise::runtime
