// One thing at a time goes wrong, at each point of a story at which it can: the end is the same,
// nothing is done twice, and no object is written more often than where nothing went wrong (the
// status of a pipeline or deployment once).
#include <set>

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include "model/story.h"

namespace reprise::model {
namespace {

using Fault = FakeClient::Fault;

struct Reference {
  nlohmann::json state;
  std::map<std::string, int> writes;
  std::size_t count = 0;  // writes sent, refused ones too
};

const Reference& reference() {
  static const Reference one = [] {
    spdlog::set_level(spdlog::level::off);  // refused writes are part of the play
    Story story;
    story.playAll();
    story.run().oracle.judgeEnd();
    for (const auto& what : story.run().oracle.violations())
      ADD_FAILURE() << "the reference: " << what;
    return Reference{story.state(), story.writes(), story.run().world.server.writeCount()};
  }();
  return one;
}

std::string lastLines(const World& world) {
  std::string out;
  const std::size_t from = world.trace.size() > 40 ? world.trace.size() - 40 : 0;
  for (std::size_t i = from; i < world.trace.size(); ++i) out += world.trace[i] + "\n";
  return out;
}

// The first thing that is wrong; "" if nothing is.
std::string compared(Story& story) {
  story.run().oracle.judgeEnd();
  if (!story.run().oracle.violations().empty()) return story.run().oracle.violations().front();
  const nlohmann::json state = story.state();
  if (state != reference().state)
    return "another end: " + nlohmann::json::diff(reference().state, state).dump().substr(0, 2000);
  for (const auto& [object, count] : story.writes()) {
    const auto expected = reference().writes.find(object);
    if (expected == reference().writes.end())
      return object + " was written, which the reference has not";
    // After a restart the digest of the tag and the words of the monitors come back one after the
    // other, and each may change a status: one write more of our own kinds, and of nothing else.
    const bool status =
        object.rfind("trainingpipelines/", 0) == 0 || object.rfind("modeldeployments/", 0) == 0;
    if (count > expected->second + (status ? 1 : 0))
      return object + " was written " + std::to_string(count) + " times, not " +
             std::to_string(expected->second);
  }
  return {};
}

TEST(Enumeration, TheReferenceTrainsServesRetrainsSwitchesChecksAndRefuses) {
  std::size_t changes = 0;
  for (const auto& [object, count] : reference().writes) {
    std::printf("%3d %s\n", count, object.c_str());
    changes += count;
  }
  std::printf("%zu writes, %zu of them changed something\n", reference().count, changes);
  const auto& state = reference().state;
  ASSERT_TRUE(state.contains("modelversions/fuel-4")) << state.dump().substr(0, 4000);
  EXPECT_EQ(state["trainingpipelines/fuel"]["status"]["environment"]["candidateResult"], "Refused");
  std::string actions;
  for (const auto& decision : state["modeldeployments/fuel"]["status"]["decisions"])
    actions += decision["action"].get<std::string>() + ":" + decision.value("to", "") + " ";
  EXPECT_EQ(actions,
            "Deploy:fuel-1 Retrain: Promote:fuel-2 Switch:fuel-1 Switch:fuel-2 Promote:fuel-3 "
            "Promote:fuel-4 ");
}

class OneFault : public testing::TestWithParam<Fault> {};

TEST_P(OneFault, AtEachWriteEndsAsTheReference) {
  std::size_t points = 0, wrong = 0;
  for (std::size_t at = 1; at <= reference().count && wrong < 3; ++at, ++points) {
    Story story;
    std::size_t write = 0;
    std::string hit;
    story.run().world.server.onWrite = [&](const runtime::testing::Write& one) {
      if (++write != at) return Fault::None;
      hit = one.text();
      return GetParam();
    };
    story.playAll();
    const std::string problem = compared(story);
    if (problem.empty()) continue;
    ++wrong;
    ADD_FAILURE() << "at write " << at << " (" << hit << "): " << problem << "\n"
                  << lastLines(story.run().world);
  }
  std::printf("%zu points\n", points);
}

INSTANTIATE_TEST_SUITE_P(Enumeration, OneFault,
                         testing::Values(Fault::CrashBefore, Fault::CrashAfter, Fault::Fail,
                                         Fault::LoseAnswer),
                         [](const auto& one) {
                           switch (one.param) {
                             case Fault::CrashBefore: return "KilledBefore";
                             case Fault::CrashAfter: return "KilledAfter";
                             case Fault::Fail: return "Refused";
                             default: return "AnswerLost";
                           }
                         });

TEST(Enumeration, WhereOnlyLastStatesArriveTheEndIsTheSame) {
  Story story;
  story.run().onlyLastStates = true;
  story.playAll();
  EXPECT_EQ(compared(story), "") << lastLines(story.run().world);
}

// A write of something that was done already; "" where there is none. What a status tells may
// follow a cache that lags (servedBy, numbers of drift while some monitors are not known yet), and
// comes back: one write there and one back.
std::string doneAgain(const model::Run& run) {
  std::map<std::string, int> statuses;
  for (const auto& write : run.world.server.writes()) {
    if (!write.changed) continue;
    if (write.verb != "apply/status") return write.text() + " was written";
    if (++statuses[write.name + " of " + write.plural] > 2)
      return "the status of " + write.name + " was written more than there and back";
  }
  return {};
}

// Versions at which an object of the kind changed; of a nullptr, at which anything did. A picture
// is the same until the next of them.
std::set<std::uint64_t> pictures(const runtime::testing::FakeClient& server,
                                 const kube::Resource* kind, std::uint64_t from,
                                 std::uint64_t until) {
  std::set<std::uint64_t> out{from};
  if (!kind) {
    for (; from < until; ++from) out.insert(from);
    return out;
  }
  const auto events = server.eventsSince(*kind, from, 1'000'000);
  for (const auto& event : events.value()) {
    if (event.version < until) out.insert(event.version);
  }
  return out;
}

// An operator that starts beside an API server that lags: all caches show the past first, or one of
// them does.
class AfterScene : public testing::TestWithParam<int> {};

TEST_P(AfterScene, FromEachOlderSnapshotNothingIsDoneThatWasDoneAlready) {
  std::size_t points = 0, wrong = 0;
  const std::vector<const kube::Resource*> alone = {nullptr,
                                                    &kube::resources::trainingPipelines,
                                                    &kube::resources::modelDeployments,
                                                    &kube::resources::modelVersions,
                                                    &kube::resources::jobs,
                                                    &kube::resources::deployments};
  Story story;
  for (int i = 0; i <= GetParam(); ++i) story.play(i);
  model::Run& run = story.run();
  run.judgeRest();  // numbers that were held back are written now
  const nlohmann::json before = story.state();
  const std::uint64_t last = run.world.server.version();
  run.world.server.clearWrites();
  for (const auto* only : alone) {
    for (const std::uint64_t version : pictures(run.world.server, only, 101, last)) {
      if (wrong >= 3) break;
      run.restart([&](const kube::Resource& kind) {
        return !only || kind == *only ? std::optional<std::uint64_t>(version) : std::nullopt;
      });
      for (std::size_t feed = 0; feed < OperatorProcess::kFeeds; ++feed)
        run.operator_().deliver(feed, 1);
      run.operator_().lookAtAll();
      for (int pass = 0; pass < 8; ++pass) {  // from the past alone, and then as it comes
        run.operator_().pollImages();
        for (std::size_t i = 0; i < OperatorProcess::kControllers; ++i) {
          while (run.operator_().work(i)) {
          }
        }
        if (pass == 0)
          run.operator_().pollMonitors();
        else if (pass > 1)
          run.operator_().deliver(static_cast<std::size_t>(pass) % OperatorProcess::kFeeds, 5);
      }
      run.work();
      ++points;
      std::string problem = run.oracle.violations().empty() ? "" : run.oracle.violations().front();
      if (problem.empty() && story.state() != before)
        problem =
            "another end: " + nlohmann::json::diff(before, story.state()).dump().substr(0, 1000);
      if (problem.empty()) problem = doneAgain(run);
      run.world.server.clearWrites();
      if (problem.empty()) continue;
      ++wrong;
      ADD_FAILURE() << "scene " << GetParam() << ", version " << version << " of "
                    << (only ? only->plural : "all") << ": " << problem << "\n"
                    << lastLines(run.world);
      break;
    }
  }
  std::printf("%zu snapshots\n", points);
}

INSTANTIATE_TEST_SUITE_P(Enumeration, AfterScene, testing::Values(2, 5, 9));

}  // namespace
}  // namespace reprise::model
