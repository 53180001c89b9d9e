// The fields of ModelDeployment: what they mean, and what is allowed.
#pragma once

#include "api/drift_source_fields.h"
#include "api/meta_fields.h"
#include "api/model_deployment.h"
#include "api/training_pipeline_fields.h"

namespace reprise::api {

template <class V>
void fields(V&, Of<AutoVersion>) {}
template <class V>
void fields(V&, Of<MonitorSource>) {}

template <class V>
void fields(V& v, Of<VersionChoice>) {
  v("auto", &VersionChoice::auto_,
    {.doc = "The live data decides: the version that was trained on such data, else the newest."});
  v("name", &VersionChoice::name, {.doc = "Always this ModelVersion.", .max = 253});
}

template <class V>
void fields(V& v, Of<VerifySpec>) {
  v("goldenRequests", &VerifySpec::goldenRequests,
    {.doc = "A Pod gets no traffic before it answered the version's golden requests rightly.",
     .default_ = "true"});
  v("timeoutSeconds", &VerifySpec::timeoutSeconds,
    {.doc = "The longest that the server may take to start and answer them, in seconds.",
     .default_ = "120",
     .min = 1,
     .max = 3600});
}

template <class V>
void fields(V& v, Of<DriftSource>) {
  v("monitor", &DriftSource::monitor,
    {.doc = "The sidecar in front of the server profiles the requests themselves. What comes from "
            "outside is then an alarm, which the requests answer."});
  v("prometheus", &DriftSource::prometheus,
    {.doc = "A query is asked again and again; a value above a threshold is drift.",
     .rules = {{"!has(self.bearerToken) || self.serverAddress.startsWith('https://')",
                "spec.drift.source.prometheus.bearerToken is sent only over https: give an https "
                "serverAddress, or leave the token out"}}});
  v("webhook", &DriftSource::webhook,
    {.doc = "Other programs say so: POST /v1/drift/<namespace>/<name> of the operator's webhook. "
            "Taken are CloudEvents, Alertmanager's notifications and Evidently's reports."});
}

template <class V>
void fields(V& v, Of<DriftWindow>) {
  v("minSamples", &DriftWindow::minSamples,
    {.doc = "Rows since the alarm before a version is matched, or a training asked for.",
     .default_ = "200",
     .min = 50,
     .max = 1000000});
  v("maxAge", &DriftWindow::maxAge,
    {.doc = "Older rows are not looked at.",
     .default_ = "\"15m\"",
     .max = 32,
     .pattern = kDurationPattern});
}

template <class V>
void fields(V& v, Of<SwitchReaction>) {
  v("standby", &SwitchReaction::standby,
    {.doc = "Versions of other kinds of data that are kept warm, those that served last first.",
     .default_ = "1",
     .min = 0,
     .max = 8});
}

template <class V>
void fields(V& v, Of<RetrainReaction>) {
  v("pipelineRef", &RetrainReaction::pipelineRef,
    {.doc = "The TrainingPipeline that is asked for a run.", .required = true});
  v("cooldown", &RetrainReaction::cooldown,
    {.doc = "The least time between two such requests.",
     .default_ = "\"6h\"",
     .max = 32,
     .pattern = kDurationPattern});
}

template <class V>
void fields(V& v, Of<DriftReactions>) {
  v("switch", &DriftReactions::switch_,
    {.doc = "Where a kept version was trained on such data, it takes over at once."});
  v("retrain", &DriftReactions::retrain, {.doc = "Where none was, a run is asked for."});
}

template <class V>
void fields(V& v, Of<DriftSpec>) {
  v("source", &DriftSpec::source,
    {.doc = "Who watches. Several may.",
     .required = true,
     .rules = {{"has(self.monitor) || has(self.prometheus) || has(self.webhook)",
                "spec.drift.source needs at least one of monitor, prometheus and webhook: "
                "monitor: {} watches the requests themselves"}}});
  v("window", &DriftSpec::window, {.doc = "How many rows it takes.", .default_ = "{}"});
  v("onDrift", &DriftSpec::onDrift,
    {.doc = "What is done: switch if a kept version matches, else retrain, else hold.",
     .default_ = "{}"});
}

template <class V>
void fields(V& v, Of<ByContext>) {
  v("header", &ByContext::header,
    {.doc = "Header of requests whose value names their kind of data, e.g. x-vehicle.",
     .required = true,
     .min = 1,
     .max = 64,
     .pattern = "^[A-Za-z0-9-]+$"});
  v("key", &ByContext::key,
    {.doc = "Key of ModelVersion.spec.context whose value is what a version is for, e.g. vehicle.",
     .required = true,
     .min = 1,
     .max = 63});
}

template <class V>
void fields(V& v, Of<RoutingSpec>) {
  v("byContext", &RoutingSpec::byContext,
    {.doc = "A request that says what it is goes to the newest version that was made for it; one "
            "that does not, or is of a kind that no version is for, to the active one."});
}

template <class V>
void fields(V& v, Of<ModelDeploymentSpec>) {
  v("model", &ModelDeploymentSpec::model,
    {.doc = "Name of the model.",
     .required = true,
     .min = 1,
     .max = 40,
     .pattern = kNamePattern,
     .rules = {{"self == oldSelf", "spec.model cannot be changed; make another ModelDeployment"}}});
  v("version", &ModelDeploymentSpec::version,
    {.doc = "Which version serves.",
     .required = true,
     .rules = {{"has(self.auto) != has(self.name)",
                "spec.version needs exactly one of auto and name: auto: {} lets the live data "
                "decide, name: <ModelVersion> holds one"}}});
  v("replicas", &ModelDeploymentSpec::replicas,
    {.doc = "Pods of each served version.", .default_ = "1", .min = 0, .max = 1000});
  v("template", &ModelDeploymentSpec::template_,
    {.doc = "Pod template with a container named server, without an image: a version is served in "
            "the image that trained it. Its first containerPort (8080) is where it answers.",
     .required = true});
  v("protocol", &ModelDeploymentSpec::protocol,
    {.doc = "How requests carry features: v2 (Open Inference Protocol), v1 or json.",
     .default_ = "\"v2\"",
     .oneOf = "v2|v1|json"});
  v("verify", &ModelDeploymentSpec::verify,
    {.doc = "What is asked of a version before any traffic.", .default_ = "{}"});
  v("drift", &ModelDeploymentSpec::drift, {.doc = "Left out, nothing watches the requests."});
  v("routing", &ModelDeploymentSpec::routing,
    {.doc = "Left out, every request goes to the active version."});
  v("paused", &ModelDeploymentSpec::paused,
    {.doc = "Nothing is decided; what serves goes on serving.", .default_ = "false"});
  v("progressDeadlineSeconds", &ModelDeploymentSpec::progressDeadlineSeconds,
    {.doc = "A version whose Pods are not ready by then is given up, in seconds.",
     .default_ = "600",
     .min = 5,
     .max = 86400});
  v("revisionHistoryLimit", &ModelDeploymentSpec::revisionHistoryLimit,
    {.doc = "Versions that drift may choose from, newest first.",
     .default_ = "10",
     .min = 1,
     .max = 100});
}

template <class V>
void fields(V& v, Of<ServingVersion>) {
  v("version", &ServingVersion::version,
    {.doc = "ModelVersion.", .required = true, .always = true});
  v("weight", &ServingVersion::weight, {.doc = "Share of the traffic, percent."});
  v("ready", &ServingVersion::ready, {.doc = "Pods that are ready."});
  v("since", &ServingVersion::since, {.doc = "When it took over."});
}

template <class V>
void fields(V& v, Of<NearestVersion>) {
  v("version", &NearestVersion::version, {.doc = "ModelVersion."});
  v("distance", &NearestVersion::distance, {.doc = "Effect, 0 (the same kind of data) to 1."});
}

template <class V>
void fields(V& v, Of<DriftStatus>) {
  v("score", &DriftStatus::score,
    {.doc = "Effect of the live rows against the serving version's training data, 0 to 1."});
  v("action", &DriftStatus::action, {.doc = "Hold, Clear, Switch or Retrain."});
  v("reason", &DriftStatus::reason, {.doc = "Why, in one CamelCase word."});
  v("message", &DriftStatus::message, {.doc = "Why, in a sentence."});
  v("nearest", &DriftStatus::nearest,
    {.doc = "The version whose training data is most like the live rows."});
  v("second", &DriftStatus::second, {.doc = "The next one of another kind."});
  v("samples", &DriftStatus::samples, {.doc = "Rows that it stands on."});
  v("tolerance", &DriftStatus::tolerance,
    {.doc = "Effect that is normal for the serving version, as learned."});
  v("error", &DriftStatus::error,
    {.doc = "Mean error of the serving version on labelled rows: since the change if there is one, "
            "else the newest."});
  v("referenceError", &DriftStatus::referenceError, {.doc = "What it is held against."});
  v("labels", &DriftStatus::labels, {.doc = "Labelled rows that error is of."});
  v("updated", &DriftStatus::updated, {.doc = "When it was written."});
}

template <class V>
void fields(V& v, Of<ContextRoute>) {
  v("context", &ContextRoute::context,
    {.doc = "What the requests say they are.", .required = true, .always = true});
  v("version", &ContextRoute::version, {.doc = "The version that answers them."});
  v("since", &ContextRoute::since, {.doc = "When it took over."});
  v("target", &ContextRoute::target,
    {.doc = "The version that is being made ready to take over from it."});
  v("drift", &ContextRoute::drift, {.doc = "What the requests of this context say."});
}

template <class V>
void fields(V& v, Of<DecisionRecord>) {
  v("id", &DecisionRecord::id, {.doc = "Counts up.", .required = true, .always = true});
  v("time", &DecisionRecord::time, {.doc = "When."});
  v("signal", &DecisionRecord::signal,
    {.doc = "Initial, Drift, Prometheus, Webhook, NewVersion, Spec or Verification."});
  v("action", &DecisionRecord::action,
    {.doc = "Deploy, Switch, Retrain, Promote, Hold or Reject."});
  v("from", &DecisionRecord::from, {.doc = "The version that served."});
  v("to", &DecisionRecord::to, {.doc = "The version that takes over."});
  v("distance", &DecisionRecord::distance,
    {.doc = "Effect of the live rows against the version that was chosen."});
  v("margin", &DecisionRecord::margin, {.doc = "How much farther the next kind was."});
  v("reason", &DecisionRecord::reason, {.doc = "Why, in one CamelCase word."});
  v("message", &DecisionRecord::message, {.doc = "Why, in a sentence."});
  v("context", &DecisionRecord::context,
    {.doc = "The routed context that it is about; left out where it is about the active version."});
  v("driftSeen", &DecisionRecord::driftSeen, {.doc = "The first request of the drifted data."});
  v("blindSpot", &DecisionRecord::blindSpot,
    {.doc = "From driftSeen until the version took over."});
}

template <class V>
void fields(V& v, Of<PendingRetrain>) {
  v("id", &PendingRetrain::id, {.doc = "The request: the run's triggerId."});
  v("pipeline", &PendingRetrain::pipeline, {.doc = "Who was asked."});
  v("requestedAt", &PendingRetrain::requestedAt, {.doc = "When."});
  v("run", &PendingRetrain::run, {.doc = "The run that answers, once there is one."});
  v("context", &PendingRetrain::context,
    {.doc = "What the requests say they are, where spec.routing.byContext is set."});
}

template <class V>
void fields(V& v, Of<ModelDeploymentStatus>) {
  v("observedGeneration", &ModelDeploymentStatus::observedGeneration,
    {.doc = "The metadata.generation that was acted on."});
  v("conditions", &ModelDeploymentStatus::conditions, {.doc = kConditionsDoc, .key = "type"});
  v("active", &ModelDeploymentStatus::active, {.doc = "The version that traffic goes to."});
  v("activeSince", &ModelDeploymentStatus::activeSince, {.doc = "When it took over."});
  v("target", &ModelDeploymentStatus::target,
    {.doc = "The version that is being made ready to take over."});
  v("targetSince", &ModelDeploymentStatus::targetSince, {.doc = "Since when."});
  v("standby", &ModelDeploymentStatus::standby, {.doc = "Versions that are kept warm."});
  v("shadows", &ModelDeploymentStatus::shadows,
    {.doc = "Versions that run only to be scored on rows whose labels came."});
  v("shadowsSince", &ModelDeploymentStatus::shadowsSince, {.doc = "Since when."});
  v("routed", &ModelDeploymentStatus::routed,
    {.doc = "Versions that serve the requests which name the kind of data they are for."});
  v("routes", &ModelDeploymentStatus::routes,
    {.doc = "Which version answers each context beside the active one, and what its rows say.",
     .key = "context"});
  v("rejected", &ModelDeploymentStatus::rejected,
    {.doc = "Versions that failed here; the annotation reprise.dev/retry clears them."});
  v("serving", &ModelDeploymentStatus::serving, {.doc = "What runs.", .key = "version"});
  v("drift", &ModelDeploymentStatus::drift, {.doc = "What the requests say."});
  v("outside", &ModelDeploymentStatus::outside, {.doc = "What signals from outside say."});
  v("retrain", &ModelDeploymentStatus::retrain,
    {.doc = "A run that was asked for and has not ended."});
  v("decisions", &ModelDeploymentStatus::decisions,
    {.doc = "The last 20 decisions, oldest first.", .max = 20, .key = "id"});
  v("nextDecision", &ModelDeploymentStatus::nextDecision, {.doc = "The next decision's id."});
  v("considered", &ModelDeploymentStatus::considered,
    {.doc = "The newest version that was looked at."});
  v("handledRetry", &ModelDeploymentStatus::handledRetry,
    {.doc = "The value of reprise.dev/retry that was answered last."});
  v("replicas", &ModelDeploymentStatus::replicas,
    {.doc = "Ready Pods of the active version.", .always = true});
  v("selector", &ModelDeploymentStatus::selector,
    {.doc = "Of the active version's Pods, for autoscalers."});
}

}  // namespace reprise::api
