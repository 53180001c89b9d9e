// Kubernetes' own kinds, as an API server sends them, and what the plans read out of a Pod's last
// words.
#include "fuzz/fuzz.h"

#include "api/core/objects.h"
#include "json/view.h"
#include "training/observe.h"

using namespace reprise;

REPRISE_FUZZ_TARGET(text) {
  JsonReader reader;
  const auto read = reader.read(text);
  if (!read) return;
  const JsonView object = *read;
  (void)api::decodeChild(object);
  (void)api::decodeDeployment(object);
  (void)api::decodeService(object);
  training::Snapshot snapshot;
  auto pod = std::make_shared<api::Pod>(api::decodePod(object));
  auto job = std::make_shared<api::Job>(api::decodeJob(object));
  pod->meta.labels["batch.kubernetes.io/job-name"] = job->meta.name = "run";
  snapshot.pods.push_back(pod);
  snapshot.jobs.push_back(job);
  snapshot.pipeline = std::make_shared<api::TrainingPipeline>();
  (void)training::stepReports(snapshot, "run");
  (void)training::obstacle(snapshot, "run");
  api::Run run;
  run.name = "run";
  run.purpose = "Check";
  (void)training::observed(snapshot, run);
}
