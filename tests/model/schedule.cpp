#include "model/schedule.h"

#include <algorithm>

#include "api/labels.h"
#include "runtime/json_view.h"

namespace reprise::model {

namespace resources = kube::resources;
using runtime::member;
using runtime::metaString;
using runtime::testing::Crash;
using runtime::testing::Write;

std::string Result::text(std::size_t lastLines) const {
  std::string out;
  for (const auto& one : violations) out += "violated: " + one + "\n";
  const std::size_t from = trace.size() > lastLines ? trace.size() - lastLines : 0;
  for (std::size_t i = from; i < trace.size(); ++i) out += trace[i] + "\n";
  return out;
}

Run::Run(std::uint64_t seed, Mutant mutant) : world(seed), oracle(world), mutant_(mutant) {
  restart();
  crashes_ = 0;
}

void Run::restart(std::function<std::optional<std::uint64_t>(const kube::Resource&)> pictureOf) {
  ++crashes_;
  process_.reset();
  process_ = std::make_unique<OperatorProcess>(world, mutant_, std::move(pictureOf));
}

void Run::surviving(const std::function<void()>& action) {
  try {
    action();
  } catch (const Crash&) {
    world.note("the operator is killed");
    restart();
  }
}

void Run::deliver() {
  if (onlyLastStates) {
    for (std::size_t i = 0; i < OperatorProcess::kFeeds; ++i) process_->relist(i);
  } else {
    process_->deliverAll();
  }
}

void Run::work() {
  for (int pass = 0; pass < 100; ++pass) {
    bool any = false;
    surviving([&] {
      deliver();
      process_->pollImages();
      for (std::size_t i = 0; i < OperatorProcess::kControllers; ++i) any |= process_->work(i);
    });
    if (!any) {
      if (process_->upToDate()) return;
      continue;
    }
  }
  oracle.violated(
      "the operator does not come to rest: 100 passes over its queues, and still something is due");
}

void Run::round(Milliseconds step, bool requests) {
  world.settle();
  if (requests) world.traffic();
  surviving([&] { process_->pollMonitors(); });
  work();
  world.clock.advance(step);
}

bool Run::served() const {
  for (const auto& deployment : world.server.peekAll(resources::modelDeployments)) {
    const Json& status = member(*deployment, "status");
    if (!status.contains("active") || status.contains("target") || status.contains("retrain"))
      return false;
    const auto version = world.server.peek(resources::modelVersions, kNs, status["active"]);
    if (!version || member(member(*version, "spec"), "profile") != trainedProfile(world.live))
      return false;
  }
  return true;
}

void Run::judgeRest() {
  const auto quiet = [&](const std::string& what) {
    for (const Write& write : world.server.writes())
      oracle.violated(what + " writes at rest: " + write.text() +
                      (write.changed ? "" : " (of something equal)"));
    world.server.clearWrites();
  };
  // What is due by the clock: the last numbers of drift, and the end of a Deployment that is
  // drained.
  world.clock.advance(Milliseconds(15'000));
  process_->lookAtAll();
  work();
  world.server.clearWrites();
  for (int i = 0; i < 3; ++i) {
    world.clock.advance(Milliseconds(37'000));
    process_->lookAtAll();
    process_->pollMonitors();
    work();
  }
  quiet("a resync");
  restart();
  // Half of the caches are no reason to do anything.
  for (std::size_t feed = 0; feed + 1 < OperatorProcess::kFeeds; ++feed) {
    process_->deliver(feed, 1000);
    process_->lookAtAll();
    for (std::size_t i = 0; i < OperatorProcess::kControllers; ++i) process_->work(i);
  }
  quiet("a restart with half of its caches");
  deliver();
  process_->lookAtAll();
  work();
  process_->pollMonitors();  // its targets are known now
  work();
  quiet("a restart");
}

namespace {

// The random part of a schedule.
class Storm {
 public:
  Storm(Run& run, Result& result) : run_(run), world_(run.world), result_(result) {
    world_.jobFailures = static_cast<int>(world_.draw(3)) * 15;
    world_.createPipeline();
    world_.createDeployment("fuel");
    if (world_.chance(25)) world_.createDeployment("fuel-b");
    faults_ = static_cast<int>(world_.draw(4)) * 3;
    world_.server.onWrite = [this](const Write&) { return fault(); };
  }
  ~Storm() { world_.server.onWrite = nullptr; }

  void step() {
    const std::size_t dice = world_.draw(100);
    if (dice < 34)
      return run_.surviving([&] {
        run_.operator_().deliver(world_.draw(OperatorProcess::kFeeds), 1 + world_.draw(4));
      });
    if (dice < 60)
      return run_.surviving(
          [&] { run_.operator_().work(world_.draw(OperatorProcess::kControllers)); });
    if (dice < 76) return void(world_.step());
    if (dice < 81) return traffic();
    if (dice < 86) return world_.clock.advance(Milliseconds(20 + world_.draw(3000)));
    if (dice < 88) return run_.surviving([&] { run_.operator_().pollMonitors(); });
    if (dice < 90) return run_.surviving([&] { run_.operator_().pollImages(); });
    if (dice < 94) return user();
    if (dice < 95) return crash();
    if (dice < 96) return run_.operator_().relist(world_.draw(OperatorProcess::kFeeds));
    if (dice < 97) return world_.server.compact(world_.server.version());
    for (std::size_t i = world_.draw(6); i > 0; --i)
      run_.round(Milliseconds(700 + world_.draw(12'000)), true);
  }

 private:
  FakeClient::Fault fault() {
    if (!world_.chance(faults_)) return FakeClient::Fault::None;
    ++result_.faults;
    const auto fault = static_cast<FakeClient::Fault>(1 + world_.draw(4));
    static const char* const names[] = {"", "fails", "answer is lost",
                                        "the operator is killed before it",
                                        "the operator is killed after it"};
    world_.note("  next write: " + std::string(names[static_cast<int>(fault)]));
    return fault;
  }
  void traffic() {
    world_.clock.advance(Milliseconds(250));
    world_.traffic();
  }
  // The next one starts beside an API server that is up to date, or lags, or lags in one kind.
  void crash() {
    world_.note("the operator is killed");
    const std::uint64_t now = world_.server.version(), back = world_.draw(60);
    const std::size_t dice = world_.draw(4);
    if (back == 0 || dice < 2) return run_.restart();
    world_.note("its caches begin in the past, " + std::to_string(back) + " versions ago");
    const auto all = {&resources::trainingPipelines, &resources::modelVersions,
                      &resources::modelDeployments, &resources::jobs, &resources::deployments};
    const kube::Resource* only = dice == 2 ? nullptr : *(all.begin() + world_.draw(all.size()));
    const std::uint64_t then = now > back + 100 ? now - back : 100;
    run_.restart([only, then](const kube::Resource& kind) {
      return !only || kind == *only ? std::optional<std::uint64_t>(then) : std::nullopt;
    });
  }
  std::string someName(const kube::Resource& kind) {
    const auto all = world_.server.list(kind);
    return all.empty() ? std::string() : metaString(all[world_.draw(all.size())], "name");
  }
  std::string token() { return std::to_string(++tokens_); }

  void user() {
    switch (world_.draw(20)) {
      case 0:
        return void(world_.edit(resources::trainingPipelines, "fuel", [&](Json& object) {
          const std::string depth = std::to_string(1 + world_.draw(3));
          world_.note("user sets depth " + depth);
          object["spec"]["parameters"]["depth"] = depth;
        }));
      case 1:
        return void(world_.edit(resources::trainingPipelines, "fuel", [&](Json& object) {
          world_.note("user toggles suspend");
          object["spec"]["suspend"] = !object["spec"].value("suspend", false);
        }));
      case 2:
        return world_.annotate(resources::trainingPipelines, "fuel", api::kRunAtAnnotation,
                               token());
      case 3:
        return world_.annotate(
            world_.chance(50) ? resources::trainingPipelines : resources::modelDeployments, "fuel",
            api::kRetryAnnotation, token());
      case 4:
        return world_.chance(30) ? world_.erase(resources::trainingPipelines, "fuel")
                                 : world_.createPipeline();
      case 5:
        return world_.chance(30) ? world_.erase(resources::modelDeployments, "fuel")
                                 : world_.createDeployment("fuel");
      case 6:
        return editDeployment("replicas",
                              [&](Json& spec) { spec["replicas"] = 1 + world_.draw(2); });
      case 7:
        return editDeployment("paused",
                              [&](Json& spec) { spec["paused"] = !spec.value("paused", false); });
      case 8:
        return editDeployment("version", [&](Json& spec) {
          const std::string name =
              world_.chance(20) ? "fuel-99" : someName(resources::modelVersions);
          if (world_.chance(50) || name.empty())
            spec["version"] = {{"auto", Json::object()}};
          else
            spec["version"] = {{"name", name}};
        });
      case 9:
        return editDeployment("template", [&](Json& spec) {
          spec["template"]["spec"]["containers"][0]["args"] =
              Json::array({std::to_string(world_.draw(3))});
        });
      case 10:
        return world_.chance(40)
                   ? world_.erase(resources::modelVersions, someName(resources::modelVersions))
                   : void();
      case 11:
        return world_.chance(50) ? world_.erase(resources::jobs, someName(resources::jobs))
                                 : void();
      case 12: return world_.erase(resources::deployments, someName(resources::deployments));
      case 13:
        return world_.chance(50) ? world_.erase(resources::services, "fuel")
                                 : world_.erase(resources::serviceAccounts, "fuel-publish");
      case 14:
        return void(world_.edit(
            resources::deployments, someName(resources::deployments), [&](Json& object) {
              world_.note("somebody scales Deployment " + metaString(object, "name"));
              object["spec"]["replicas"] = 3;
              world_.editedByOthers.insert(metaString(object, "uid"));
            }));
      case 15: return moveImage();
      case 16: return void(world_.registryDown = !world_.registryDown);
      case 17: return breakVersion();
      default: return drift();
    }
  }
  template <class Edit>
  void editDeployment(const char* what, Edit edit) {
    const std::string name =
        world_.server.find(resources::modelDeployments, kNs, "fuel-b") && world_.chance(30)
            ? "fuel-b"
            : "fuel";
    world_.edit(resources::modelDeployments, name, [&](Json& object) {
      edit(object["spec"]);
      world_.note("user edits " + std::string(what) + " of ModelDeployment " + name);
    });
  }
  void moveImage() {
    world_.digest = static_cast<char>('1' + world_.draw(4));
    if (world_.chance(25)) world_.brokenDigests.insert(world_.digest);
    world_.note(std::string("the tag moves to digest ") + world_.digest);
  }
  void breakVersion() {
    const std::string name = someName(resources::modelVersions);
    if (name.empty() || !world_.chance(30)) return;
    world_.note("golden requests of " + name + " fail from now on");
    world_.brokenVersions.insert(name);
  }
  void drift() {
    world_.live = static_cast<Kind>(world_.draw(3));
    world_.note(std::string("requests are of data ") + letter(world_.live));
  }

  Run& run_;
  World& world_;
  Result& result_;
  int faults_ = 0, tokens_ = 0;
};

// From here on nothing fails. What users left undone is mostly put right, so that there is an end
// to be judged.
void calm(Run& run) {
  World& world = run.world;
  world.note("calm");
  world.jobFailures = 0;
  world.registryDown = false;
  world.brokenDigests.clear();
  world.brokenVersions.clear();
  if (world.chance(85)) world.createPipeline();
  if (world.chance(85)) world.createDeployment("fuel");
  world.edit(resources::trainingPipelines, "fuel", [&](Json& object) {
    if (world.chance(85)) object["spec"].erase("suspend");
    // Runs that failed are not tried again by themselves: somebody has to say so.
    object["metadata"]["annotations"][api::kRetryAnnotation] = "calm";
    if (world.chance(30)) object["metadata"]["annotations"][api::kRunAtAnnotation] = "calm";
  });
  for (const char* name : {"fuel", "fuel-b"}) {
    world.edit(resources::modelDeployments, name, [&](Json& object) {
      if (world.chance(85)) object["spec"].erase("paused");
      if (world.chance(70)) object["spec"]["version"] = {{"auto", Json::object()}};
      object["metadata"]["annotations"][api::kRetryAnnotation] = "calm";
    });
  }
  for (int i = 0; i < 6; ++i) run.round(Milliseconds(65'000), false);  // back-offs pass
  for (int i = 0, well = 0; i < 60 && well < 6; ++i) {
    run.round(Milliseconds(1'000), true);
    well = run.served() ? well + 1 : 0;
  }
  for (int i = 0; i < 3; ++i) run.round(Milliseconds(65'000), false);
}

void boundWrites(Run& run, const Result& result, std::uint64_t firstVersion) {
  std::size_t operators = 0, idle = 0;
  const auto changes = run.oracle.changes();
  for (const auto& [object, count] : changes) operators += count;
  for (const auto& [write, count] : run.oracle.idle()) idle += count;
  // What else happened: each may be answered, and written about once or twice.
  const std::size_t others =
      run.world.server.version() - firstVersion - operators + run.world.windowsSent();
  for (const auto& [object, count] : changes) {
    if (static_cast<std::size_t>(count) > 20 + 2 * others)
      run.oracle.violated(object + " was written " + std::to_string(count) + " times, and only " +
                          std::to_string(others) + " things happened");
  }
  if (idle > 5 * (run.crashes() + result.faults)) {
    run.oracle.violated(std::to_string(idle) + " writes changed nothing, after " +
                        std::to_string(run.crashes()) + " crashes and " +
                        std::to_string(result.faults) + " faults");
  }
}

}  // namespace

Result playSchedule(std::uint64_t seed, Mutant mutant, bool verbose) {
  Result result;
  Run run(seed, mutant);
  run.world.verbose = verbose;
  const std::uint64_t firstVersion = run.world.server.version();
  {
    Storm storm(run, result);
    const std::size_t steps = 100 + run.world.draw(300);
    for (std::size_t i = 0; i < steps && run.oracle.violations().empty(); ++i) storm.step();
  }
  if (run.oracle.violations().empty()) calm(run);
  if (run.oracle.violations().empty()) {
    boundWrites(run, result, firstVersion);
    result.writes = run.world.server.changeCount();
    run.judgeRest();
    run.oracle.judgeEnd();
  }
  result.crashes = run.crashes();
  result.violations = run.oracle.violations();
  result.trace = std::move(run.world.trace);
  return result;
}

}  // namespace reprise::model
