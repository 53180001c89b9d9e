#include "training/plan.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "api/codec.h"
#include "api/labels.h"
#include "json/view.h"
#include "training/run_job.h"

namespace reprise::training {
namespace {

using nlohmann::json;

const std::string kOld = "registry.example.com/fuel@sha256:" + std::string(64, '1');
const std::string kNew = "registry.example.com/fuel@sha256:" + std::string(64, '2');

// A pipeline and a world that does what the plan says: statuses are stored, Jobs appear.
struct TrainingPlanTest : testing::Test {
  api::TrainingPipeline pipeline;
  std::vector<api::Job> jobs;
  std::vector<api::Pod> pods;
  std::vector<api::ModelVersion> versions;
  std::vector<api::ModelDeployment> deployments;
  std::string digest = kOld;
  std::string imageReason, imageMessage;
  Time now{Milliseconds{1'700'000'000'000}};
  api::Plan last;

  TrainingPlanTest() {
    pipeline.meta = {};
    pipeline.meta.name = "fuel";
    pipeline.meta.namespace_ = "team";
    pipeline.meta.uid = "uid-1";
    pipeline.meta.generation = 1;
    pipeline.spec.model = "fuel";
    pipeline.spec.environment.image = "registry.example.com/fuel:1.0";
    pipeline.spec.train.command = {"python", "train.py"};
    pipeline.spec.artifact.store.persistentVolumeClaim = api::PersistentVolumeClaimStore{"models"};
    pipeline.spec.triggers.change = api::ChangeTrigger{{"Spec", "Image"}, "5s"};
    pipeline.spec.triggers.drift = api::DriftTrigger{"0s"};
    pipeline.spec.check = api::CheckSpec{{"--quick"}, {}, 900};
  }

  Snapshot snapshot() const {
    Snapshot out;
    out.pipeline = std::make_shared<api::TrainingPipeline>(pipeline);
    for (const auto& job : jobs) out.jobs.push_back(std::make_shared<api::Job>(job));
    for (const auto& pod : pods) out.pods.push_back(std::make_shared<api::Pod>(pod));
    for (const auto& version : versions)
      out.versions.push_back(std::make_shared<api::ModelVersion>(version));
    for (const auto& deployment : deployments)
      out.deployments.push_back(std::make_shared<api::ModelDeployment>(deployment));
    out.image = registry::ImageFact{digest, imageReason, imageMessage, now};
    out.settings.agentImage = "reprise:test";
    out.now = now;
    return out;
  }

  // One reconcile: what it says becomes the world.
  void reconcile() {
    last = plan(snapshot());
    ASSERT_TRUE(last.status.is_object());
    json object = {{"apiVersion", api::kApiVersion},
                   {"kind", "TrainingPipeline"},
                   {"metadata", {{"name", "fuel"}, {"namespace", "team"}, {"uid", "uid-1"}}},
                   {"spec", api::encode(pipeline.spec)},
                   {"status", last.status}};
    auto decoded = api::decodeTrainingPipeline(JsonText(object));
    ASSERT_TRUE(decoded) << decoded.error().message;
    pipeline.status = decoded->status;
    for (const auto& child : last.apply) {
      if (child["kind"] != "Job") continue;
      const std::string name = child["metadata"]["name"];
      ASSERT_TRUE(std::none_of(jobs.begin(), jobs.end(),
                               [&](const api::Job& job) { return job.meta.name == name; }))
          << name << " was made twice";
      api::Job job;
      job.meta.name = name;
      job.meta.namespace_ = "team";
      job.meta.uid = "job-" + name;
      job.startTime = now;
      jobs.push_back(job);
    }
    for (const auto& gone : last.remove)
      std::erase_if(jobs, [&](const api::Job& job) { return job.meta.uid == gone.uid; });
  }

  api::Job& job(const std::string& name) {
    const auto it = std::find_if(jobs.begin(), jobs.end(),
                                 [&](const api::Job& one) { return one.meta.name == name; });
    EXPECT_NE(it, jobs.end()) << name;
    return *it;
  }

  void end(const std::string& name, bool success,
           std::vector<std::pair<std::string, json>> reports = {}) {
    auto& it = job(name);
    (success ? it.complete : it.hasFailed) = true;
    it.failureReason = success ? "" : "BackoffLimitExceeded";
    it.completionTime = now;
    api::Pod pod;
    pod.meta.name = name + "-x";
    pod.meta.labels["batch.kubernetes.io/job-name"] = name;
    pod.phase = success ? "Succeeded" : "Failed";
    for (const auto& [container, report] : reports) {
      api::ContainerStatus status;
      status.name = container;
      status.exitCode = report.value("exit", 0);
      status.terminatedMessage = report.dump();
      pod.containers.push_back(status);
    }
    pods.push_back(pod);
  }

  void publish(const std::string& run, const std::string& image = kOld) {
    api::ModelVersion version;
    version.meta.name = run;
    version.spec.model = "fuel";
    version.spec.environment.image = image;
    version.spec.environment.python = "3.11.2";
    version.spec.lineage.pipeline = "fuel";
    version.spec.lineage.run = run;
    version.meta.created = now;
    versions.push_back(version);
  }

  void firstVersion() {
    reconcile();
    reconcile();
    publish("fuel-1");
    end("fuel-1", true);
    reconcile();
    ASSERT_EQ(pipeline.status.latestVersion, "fuel-1");
  }

  const api::Condition& condition(const std::string& type) {
    for (const auto& one : pipeline.status.conditions) {
      if (one.type == type) return one;
    }
    ADD_FAILURE() << type;
    static const api::Condition none;
    return none;
  }

  void askForDrift(const std::string& id) {
    deployments.resize(1);
    deployments[0].meta.name = "fuel";
    deployments[0].spec.model = "fuel";
    deployments[0].status.retrain = api::PendingRetrain{id, "fuel", now, {}};
  }
};

TEST_F(TrainingPlanTest, ANewPipelineTrainsOnceByDigest) {
  reconcile();
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0].meta.name, "fuel-1");
  const json pod = [&] {
    for (const auto& child : last.apply) {
      if (child["kind"] == "Job") return child["spec"]["template"]["spec"];
    }
    return json();
  }();
  EXPECT_EQ(pod["initContainers"][1]["image"], kOld);
  reconcile();
  reconcile();
  EXPECT_EQ(jobs.size(), 1u);
  EXPECT_EQ(condition("Ready").status, "False");
  EXPECT_EQ(condition("Ready").reason, "Training");
}

TEST_F(TrainingPlanTest, OnlyPublishHoldsAToken) {
  reconcile();
  for (const auto& child : last.apply) {
    if (child["kind"] != "Job") continue;
    const json& pod = child["spec"]["template"]["spec"];
    EXPECT_EQ(pod["automountServiceAccountToken"], false);
    int holders = 0;
    for (const char* list : {"initContainers", "containers"}) {
      for (const auto& container : pod[list]) {
        for (const auto& mount : container["volumeMounts"]) {
          if (mount["name"] != "publisher-token") continue;
          ++holders;
          EXPECT_EQ(container["name"], "publish");
        }
      }
    }
    EXPECT_EQ(holders, 1);
  }
}

TEST_F(TrainingPlanTest, AFinishedRunIsRecordedWithItsVersionAndNothingFollows) {
  firstVersion();
  EXPECT_EQ(pipeline.status.runs.at(0).phase, "Succeeded");
  EXPECT_EQ(condition("Ready").status, "True");
  const json before = last.status;
  reconcile();
  EXPECT_EQ(jobs.size(), 1u);
  EXPECT_EQ(last.status, before) << "a pipeline at rest writes nothing new";
  EXPECT_TRUE(last.events.empty());
}

TEST_F(TrainingPlanTest, AFailedStepIsSaidInItsOwnWordsAndNotTriedAgainByItself) {
  reconcile();
  end("fuel-1", false,
      {{"train",
        {{"reason", "StepFailed"},
         {"message", "step train ended with exit status 1; its last lines: no data"},
         {"exit", 1}}}});
  reconcile();
  reconcile();
  EXPECT_EQ(jobs.size(), 1u);
  EXPECT_EQ(condition("Stalled").status, "True");
  EXPECT_EQ(condition("Stalled").reason, "StepFailed");
  EXPECT_NE(condition("Stalled").message.find("no data"), std::string::npos);
  EXPECT_NE(condition("Stalled").message.find("reprise.dev/run-at"), std::string::npos);
}

TEST_F(TrainingPlanTest, ANewRunAtTokenTrainsOnceMore) {
  firstVersion();
  pipeline.meta.annotations[api::kRunAtAnnotation] = "now";
  reconcile();
  reconcile();
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[1].meta.name, "fuel-2");
  publish("fuel-2");
  end("fuel-2", true);
  reconcile();
  reconcile();
  EXPECT_EQ(jobs.size(), 2u);
}

TEST_F(TrainingPlanTest, OneDriftRequestMakesOneRun) {
  firstVersion();
  askForDrift("md-uid/3");
  reconcile();
  publish("fuel-2");
  end("fuel-2", true);
  reconcile();
  reconcile();
  EXPECT_EQ(jobs.size(), 2u) << "the request is answered, though it is still in the other's status";
  EXPECT_EQ(pipeline.status.runs.at(1).trigger, "Drift");
  EXPECT_EQ(pipeline.status.runs.at(1).triggerId, "md-uid/3");
}

TEST_F(TrainingPlanTest, DriftMayNotAskWithoutTheTrigger) {
  pipeline.spec.triggers.drift.reset();
  firstVersion();
  askForDrift("md-uid/3");
  reconcile();
  EXPECT_EQ(jobs.size(), 1u);
}

TEST_F(TrainingPlanTest, AMovedTagIsCheckedBeforeItIsAdopted) {
  firstVersion();
  digest = kNew;
  reconcile();
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[1].meta.name, "fuel-check-1");
  EXPECT_EQ(pipeline.status.environment->image, kOld) << "not before the check passed";
  EXPECT_EQ(condition("EnvironmentAccepted").reason, "Checking");
  end("fuel-check-1", true,
      {{"train",
        {{"reason", "Completed"},
         {"message", ""},
         {"environment",
          {{"python", "3.11.2"}, {"changed", json::array({"numpy 1.26.4 → 2.2.0"})}}}}}});
  reconcile();
  EXPECT_EQ(pipeline.status.environment->image, kNew);
  ASSERT_EQ(jobs.size(), 3u) << "adopting asks for a training";
  EXPECT_EQ(jobs[2].meta.name, "fuel-2");
  EXPECT_EQ(condition("EnvironmentAccepted").status, "True");
}

TEST_F(TrainingPlanTest, ABrokenEnvironmentIsRefusedAndSaysWhatChangedAndWhatFailed) {
  firstVersion();
  digest = kNew;
  reconcile();
  end("fuel-check-1", false,
      {{"train",
        {{"reason", "StepFailed"},
         {"message", "step train ended with exit status 1"},
         {"exit", 1},
         {"environment",
          {{"python", "3.13.5"}, {"changed", json::array({"python 3.11.2 → 3.13.5"})}}}}}});
  reconcile();
  reconcile();
  EXPECT_EQ(jobs.size(), 2u) << "refused once, not tried in a loop";
  EXPECT_EQ(pipeline.status.environment->image, kOld);
  const auto& refused = condition("EnvironmentAccepted");
  EXPECT_EQ(refused.status, "False");
  EXPECT_EQ(refused.reason, "Refused");
  EXPECT_NE(refused.message.find("python 3.11.2 → 3.13.5"), std::string::npos);
  EXPECT_NE(refused.message.find("StepFailed"), std::string::npos);
  pipeline.meta.annotations[api::kRetryAnnotation] = "again";
  reconcile();
  EXPECT_EQ(jobs.size(), 3u);
  EXPECT_EQ(jobs[2].meta.name, "fuel-check-2");
}

TEST_F(TrainingPlanTest, ATagThatGoesBackForgetsTheRefusedCandidate) {
  firstVersion();
  digest = kNew;
  reconcile();
  end("fuel-check-1", false);
  reconcile();
  digest = kOld;
  reconcile();
  EXPECT_EQ(condition("EnvironmentAccepted").status, "True");
}

TEST_F(TrainingPlanTest, WithoutACheckTheTrainingItselfIsTheCheck) {
  pipeline.spec.check.reset();
  firstVersion();
  digest = kNew;
  reconcile();
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[1].meta.name, "fuel-2");
  publish("fuel-2", kNew);
  end("fuel-2", true);
  reconcile();
  EXPECT_EQ(pipeline.status.environment->image, kNew);
  EXPECT_EQ(jobs.size(), 2u);
}

TEST_F(TrainingPlanTest, AnImageThatIsNotThereIsAConditionWithTheMend) {
  digest.clear();
  imageReason = "ImageNotFound";
  imageMessage = "there is no such tag; push the image";
  reconcile();
  EXPECT_TRUE(jobs.empty());
  EXPECT_EQ(condition("Stalled").status, "True");
  EXPECT_EQ(condition("Stalled").reason, "ImageNotFound");
  EXPECT_NE(condition("Stalled").message.find("push the image"), std::string::npos);
  digest = kOld;
  imageReason.clear();
  reconcile();
  EXPECT_EQ(jobs.size(), 1u);
}

TEST_F(TrainingPlanTest, ADeletedJobFailsItsRunAndIsNotMadeAgain) {
  reconcile();
  reconcile();
  jobs.clear();
  reconcile();
  reconcile();
  EXPECT_TRUE(jobs.empty());
  EXPECT_EQ(condition("Stalled").reason, "JobDeleted");
}

TEST_F(TrainingPlanTest, ACrashBetweenStatusAndJobMakesTheJobAfterwards) {
  reconcile();
  const json first = last.apply.back();
  jobs.clear();  // the status was written, the Job was not: the run is Pending still
  pipeline.status.runs.at(0).phase = "Pending";
  reconcile();
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0].meta.name, "fuel-1");
  EXPECT_EQ(last.apply.back(), first) << "the same Job, with the same input, as without the crash";
  EXPECT_EQ(pipeline.status.runs.size(), 1u);
}

TEST_F(TrainingPlanTest, SuspendStartsNothingAndLetsWhatRunsEnd) {
  pipeline.spec.suspend = true;
  reconcile();
  EXPECT_TRUE(jobs.empty());
  EXPECT_EQ(condition("Ready").reason, "Suspended");
}

TEST_F(TrainingPlanTest, HistoryIsBoundedAndItsJobsAreRemoved) {
  firstVersion();
  pipeline.spec.successfulRunsHistoryLimit = 1;
  pipeline.meta.annotations[api::kRunAtAnnotation] = "again";
  reconcile();
  publish("fuel-2");
  end("fuel-2", true);
  reconcile();
  ASSERT_EQ(pipeline.status.runs.size(), 1u);
  EXPECT_EQ(pipeline.status.runs[0].name, "fuel-2");
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0].meta.name, "fuel-2");
}

TEST_F(TrainingPlanTest, TheRunOfARequestIsKeptForAsLongAsItIsAskedFor) {
  firstVersion();
  pipeline.spec.triggers.drift = api::DriftTrigger{"0s"};
  pipeline.spec.successfulRunsHistoryLimit = 1;
  askForDrift("uid/2");
  reconcile();
  publish("fuel-2");
  end("fuel-2", true);
  reconcile();
  pipeline.meta.annotations[api::kRunAtAnnotation] = "again";
  reconcile();
  publish("fuel-3");
  end("fuel-3", true);
  reconcile();
  const auto names = [&] {
    std::string out;
    for (const auto& run : pipeline.status.runs) out += run.name + " ";
    return out;
  };
  EXPECT_EQ(names(), "fuel-2 fuel-3 ") << "without fuel-2 it would be answered once more";
  deployments[0].status.retrain.reset();
  pipeline.meta.annotations[api::kRunAtAnnotation] = "and again";
  reconcile();
  EXPECT_EQ(names(), "fuel-3 fuel-4 ");
}

TEST_F(TrainingPlanTest, ASpecWithoutAnImageNamesTheField) {
  pipeline.spec.environment.image.clear();
  reconcile();
  EXPECT_EQ(condition("Stalled").reason, "InvalidSpec");
  EXPECT_NE(condition("Stalled").message.find("spec.environment.image"), std::string::npos);
}

}  // namespace
}  // namespace reprise::training
