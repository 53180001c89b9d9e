// The fields of TrainingPipeline: what they mean, and what is allowed.
#pragma once

#include "api/meta_fields.h"
#include "api/training_pipeline.h"

namespace reprise::api {

template <class V>
void fields(V& v, Of<LocalObjectReference>) {
  v("name", &LocalObjectReference::name,
    {.doc = "Name of an object in the same namespace.", .required = true, .min = 1, .max = 253});
}

template <class V>
void fields(V& v, Of<ConfigMapKeyRef>) {
  v("name", &ConfigMapKeyRef::name,
    {.doc = "Name of a ConfigMap in the same namespace.", .required = true, .min = 1, .max = 253});
  v("key", &ConfigMapKeyRef::key, {.doc = "Key in it.", .required = true, .min = 1, .max = 253});
}

template <class V>
void fields(V& v, Of<PackageLock>) {
  v("configMapKeyRef", &PackageLock::configMapKeyRef,
    {.doc = "A requirements.txt of name==version lines.", .required = true});
}

template <class V>
void fields(V& v, Of<TrainingEnvironment>) {
  v("image", &TrainingEnvironment::image,
    {.doc = "Image that trains and serves. A tag is resolved to a digest once for each run: the "
            "digest is what runs and what is recorded.",
     .max = 512});
  v("python", &TrainingEnvironment::python,
    {.doc = "Python that the image must carry (3.11 or 3.11.2): another one is refused before "
            "training starts.",
     .max = 32,
     .pattern = "^[0-9]+(\\.[0-9]+){0,2}$"});
  v("packages", &TrainingEnvironment::packages,
    {.doc = "Packages that must be installed in the image, with their versions."});
  v("pullSecrets", &TrainingEnvironment::pullSecrets,
    {.doc = "Secrets with which the node pulls the image.", .max = 8});
}

template <class V>
void fields(V& v, Of<Step>) {
  v("command", &Step::command,
    {.doc = "Program and its first arguments, not in a shell.",
     .required = true,
     .min = 1,
     .max = 256});
  v("args", &Step::args, {.doc = "More arguments.", .max = 256});
  v("resources", &Step::resources,
    {.doc = "Requests and limits of the container, as core/v1 ResourceRequirements."});
}

template <class V>
void fields(V& v, Of<DataSpec>) {
  v("uri", &DataSpec::uri,
    {.doc =
         "Where the data is: passed on as REPRISE_DATA_URI and recorded in the version's lineage.",
     .required = true,
     .min = 1,
     .max = 2048});
  v("window", &DataSpec::window,
    {.doc = "How far back to train: passed on as REPRISE_DATA_WINDOW.",
     .max = 32,
     .pattern = kDurationPattern});
}

template <class V>
void fields(V& v, Of<PersistentVolumeClaimStore>) {
  v("claimName", &PersistentVolumeClaimStore::claimName,
    {.doc = "A claim in the same namespace, which runs and served Pods mount.",
     .required = true,
     .min = 1,
     .max = 253});
}

template <class V>
void fields(V& v, Of<ArtifactStore>) {
  v("persistentVolumeClaim", &ArtifactStore::persistentVolumeClaim,
    {.doc = "Models are kept on a volume, named by their SHA-256.", .required = true});
}

template <class V>
void fields(V& v, Of<ArtifactSpec>) {
  v("store", &ArtifactSpec::store, {.doc = "Where models are kept.", .required = true});
}

template <class V>
void fields(V& v, Of<Gate>) {
  v("metric", &Gate::metric,
    {.doc = "Name of a number in metrics.json.", .required = true, .min = 1, .max = 128});
  v("min", &Gate::min,
    {.doc = "The least that passes, as a decimal string.", .max = 32, .pattern = kDecimalPattern});
  v("max", &Gate::max,
    {.doc = "The most that passes, as a decimal string.", .max = 32, .pattern = kDecimalPattern});
}

inline constexpr const char* kGateRule = "self.all(g, has(g.min) || has(g.max))";
inline constexpr const char* kGateMessage =
    "each gate of spec.gates and spec.check.gates needs min or max (decimal numbers as strings, "
    "e.g. min: \"0.90\")";

template <class V>
void fields(V& v, Of<ChangeTrigger>) {
  v("of", &ChangeTrigger::of,
    {.doc = "What to watch. Image: the tag's digest moved, so packages or Python may have. Spec: "
            "steps, parameters, data or pins changed.",
     .required = true,
     .min = 1,
     .max = 2,
     .oneOf = "Spec|Image"});
  v("interval", &ChangeTrigger::interval,
    {.doc = "How often the tag's digest is looked up.",
     .default_ = "\"5m\"",
     .max = 32,
     .pattern = kDurationPattern});
}

template <class V>
void fields(V& v, Of<DriftTrigger>) {
  v("cooldown", &DriftTrigger::cooldown,
    {.doc = "The least time between two runs that drift asked for.",
     .default_ = "\"6h\"",
     .max = 32,
     .pattern = kDurationPattern});
}

template <class V>
void fields(V& v, Of<Triggers>) {
  v("change", &Triggers::change,
    {.doc = "A change of the environment or the spec goes through a check, and is adopted only if "
            "it passes."});
  v("drift", &Triggers::drift,
    {.doc = "ModelDeployments may ask for a run; left out, they may not."});
}

template <class V>
void fields(V& v, Of<CheckSpec>) {
  v("args", &CheckSpec::args,
    {.doc = "Appended to the train step's arguments, to make it short.", .max = 64});
  v("gates", &CheckSpec::gates,
    {.doc = "What the short training must reach; the pipeline's own gates do not apply to it.",
     .max = 32,
     .rules = {{kGateRule, kGateMessage}}});
  v("activeDeadlineSeconds", &CheckSpec::activeDeadlineSeconds,
    {.doc = "The longest that a check may take, in seconds.", .default_ = "900", .min = 1});
}

template <class V>
void fields(V& v, Of<TrainingPipelineSpec>) {
  v("model", &TrainingPipelineSpec::model,
    {.doc = "Name of the model: its versions are <model>-1, <model>-2, …",
     .required = true,
     .min = 1,
     .max = 40,
     .pattern = kNamePattern,
     .rules = {{"self == oldSelf",
                "spec.model cannot be changed, its versions carry its name; make another "
                "TrainingPipeline"}}});
  v("environment", &TrainingPipelineSpec::environment,
    {.doc = "The environment that trains, and that serves what it trained.",
     .required = true,
     // Not a required image: the API server's own sentence would not say how to mend it.
     .rules = {{"has(self.image) && size(self.image) > 0",
                "spec.environment.image is required: name the image that trains, e.g. image: "
                "registry.example.com/fuel:1.4"}}});
  v("parameters", &TrainingPipelineSpec::parameters,
    {.doc = "Passed on as REPRISE_PARAM_<NAME> and in parameters.json.", .max = 128});
  v("data", &TrainingPipelineSpec::data,
    {.doc = "The data to train on: passed on, never read by the operator."});
  v("train", &TrainingPipelineSpec::train,
    {.doc = "Trains: writes model/, metrics.json, data.csv, examples.jsonl and, if it is for one "
            "kind of "
            "data only, context.json to REPRISE_OUTPUT_DIR.",
     .required = true});
  v("evaluate", &TrainingPipelineSpec::evaluate,
    {.doc = "Runs after train, in the same image and Pod."});
  v("template", &TrainingPipelineSpec::template_,
    {.doc = "A Pod template that the run's Pod begins with: volumes, node selector, tolerations. A "
            "container named train or evaluate is merged into that step."});
  v("artifact", &TrainingPipelineSpec::artifact,
    {.doc = "What becomes of the model.", .required = true});
  v("gates", &TrainingPipelineSpec::gates,
    {.doc = "A version that fails one is recorded and never served.",
     .max = 32,
     .rules = {{kGateRule, kGateMessage}}});
  v("triggers", &TrainingPipelineSpec::triggers,
    {.doc = "What asks for a run, besides the first one and the annotation reprise.dev/run-at."});
  v("check", &TrainingPipelineSpec::check,
    {.doc = "The short run that a change goes through first. Left out, the training itself is the "
            "check."});
  v("suspend", &TrainingPipelineSpec::suspend,
    {.doc = "No new run is started; what runs goes on.", .default_ = "false"});
  v("backoffLimit", &TrainingPipelineSpec::backoffLimit,
    {.doc = "How often a failed Pod of a run is tried again.",
     .default_ = "2",
     .min = 0,
     .max = 100});
  v("activeDeadlineSeconds", &TrainingPipelineSpec::activeDeadlineSeconds,
    {.doc = "The longest that a run may take, in seconds.", .default_ = "86400", .min = 1});
  v("successfulRunsHistoryLimit", &TrainingPipelineSpec::successfulRunsHistoryLimit,
    {.doc = "Succeeded runs whose Jobs are kept, of trainings and of checks.",
     .default_ = "3",
     .min = 1,
     .max = 20});
  v("failedRunsHistoryLimit", &TrainingPipelineSpec::failedRunsHistoryLimit,
    {.doc = "Failed runs whose Jobs are kept, of trainings and of checks.",
     .default_ = "3",
     .min = 1,
     .max = 20});
}

template <class V>
void fields(V& v, Of<Run>) {
  v("name", &Run::name, {.doc = "The Job's name.", .required = true, .always = true});
  v("number", &Run::number, {.doc = "Counts up; trainings and checks apart."});
  v("purpose", &Run::purpose, {.doc = "Train or Check."});
  v("trigger", &Run::trigger, {.doc = "Initial, Drift, Change or Manual."});
  v("triggerId", &Run::triggerId,
    {.doc = "The request that it answers: one request makes one run."});
  v("phase", &Run::phase, {.doc = "Pending, Running, Succeeded or Failed."});
  v("image", &Run::image, {.doc = "By digest."});
  v("specHash", &Run::specHash, {.doc = "Of what decides what is trained."});
  v("context", &Run::context,
    {.doc = "What requests say their data is, where a run was asked for because of it: the steps "
            "find it in REPRISE_CONTEXT, as JSON."});
  v("parent", &Run::parent, {.doc = "The newest version when it was decided."});
  v("servedVersion", &Run::servedVersion, {.doc = "Of a check: the version that was served."});
  v("version", &Run::version, {.doc = "The ModelVersion that came of it."});
  v("startTime", &Run::startTime, {.doc = "When it started."});
  v("completionTime", &Run::completionTime, {.doc = "When it ended."});
  v("message", &Run::message, {.doc = "How it ended."});
}

template <class V>
void fields(V& v, Of<EnvironmentStatus>) {
  v("image", &EnvironmentStatus::image, {.doc = "In force, by digest."});
  v("python", &EnvironmentStatus::python, {.doc = "Its Python."});
  v("packages", &EnvironmentStatus::packages,
    {.doc = "Its packages, as they were in the container."});
  v("specHash", &EnvironmentStatus::specHash, {.doc = "The spec in force."});
  v("checkedAt", &EnvironmentStatus::checkedAt, {.doc = "When it was checked last."});
  v("result", &EnvironmentStatus::result, {.doc = "Initial or Passed."});
  v("candidate", &EnvironmentStatus::candidate,
    {.doc = "Another digest that is being checked, or was refused."});
  v("candidateSpecHash", &EnvironmentStatus::candidateSpecHash,
    {.doc = "The spec that is checked with it."});
  v("candidateResult", &EnvironmentStatus::candidateResult, {.doc = "Checking or Refused."});
  v("candidateMessage", &EnvironmentStatus::candidateMessage,
    {.doc = "What changed, and what failed."});
}

template <class V>
void fields(V& v, Of<TrainingPipelineStatus>) {
  v("observedGeneration", &TrainingPipelineStatus::observedGeneration,
    {.doc = "The metadata.generation that was acted on."});
  v("conditions", &TrainingPipelineStatus::conditions, {.doc = kConditionsDoc, .key = "type"});
  v("environment", &TrainingPipelineStatus::environment,
    {.doc = "What the next run uses, and what asks to replace it."});
  v("runs", &TrainingPipelineStatus::runs,
    {.doc = "Runs, oldest first.", .max = 128, .key = "name"});
  v("nextRunNumber", &TrainingPipelineStatus::nextRunNumber,
    {.doc = "The next training's number."});
  v("nextCheckNumber", &TrainingPipelineStatus::nextCheckNumber,
    {.doc = "The next check's number."});
  v("handledRunAt", &TrainingPipelineStatus::handledRunAt,
    {.doc = "The value of reprise.dev/run-at that was answered last."});
  v("handledRetry", &TrainingPipelineStatus::handledRetry,
    {.doc = "The value of reprise.dev/retry that was answered last."});
  v("latestVersion", &TrainingPipelineStatus::latestVersion,
    {.doc = "The newest version that came of it."});
}

}  // namespace reprise::api
