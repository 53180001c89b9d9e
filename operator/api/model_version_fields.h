// The fields of ModelVersion: what they mean, and what is allowed.
#pragma once

#include "api/meta_fields.h"
#include "api/model_version.h"

namespace reprise::api {

template <class V>
void fields(V& v, Of<Artifact>) {
  v("uri", &Artifact::uri,
    {.doc = "Where the archive is: pvc://<claim>/sha256/<hex>.",
     .required = true,
     .max = 1024,
     .pattern = "^pvc://[a-z0-9.-]+/sha256/[0-9a-f]{64}$"});
  v("sha256", &Artifact::sha256,
    {.doc = "Of the archive, 64 hex digits: other bytes are refused.",
     .required = true,
     .max = 64,
     .pattern = "^[0-9a-f]{64}$"});
  v("bytes", &Artifact::bytes, {.doc = "Size of the archive.", .min = 0});
}

template <class V>
void fields(V& v, Of<RecordedEnvironment>) {
  v("image", &RecordedEnvironment::image,
    {.doc = "That trained it and serves it, by digest.",
     .required = true,
     .max = 768,
     .pattern = "^.+@sha256:[0-9a-f]{64}$"});
  v("python", &RecordedEnvironment::python, {.doc = "As it was in the container.", .max = 64});
  v("packages", &RecordedEnvironment::packages, {.doc = "As they were in the container."});
  v("packagesSha256", &RecordedEnvironment::packagesSha256,
    {.doc = "Of the lines name==version, sorted.", .max = 64});
  v("platform", &RecordedEnvironment::platform, {.doc = "E.g. linux/amd64.", .max = 64});
}

template <class V>
void fields(V& v, Of<Lineage>) {
  v("pipeline", &Lineage::pipeline, {.doc = "The TrainingPipeline.", .max = 253});
  v("run", &Lineage::run, {.doc = "The run.", .max = 253});
  v("trigger", &Lineage::trigger, {.doc = "What asked for the run.", .max = 64});
  v("parent", &Lineage::parent,
    {.doc = "The newest version when the run was decided.", .max = 253});
  v("dataUri", &Lineage::dataUri, {.doc = "The data it was trained on.", .max = 2048});
  v("parameters", &Lineage::parameters, {.doc = "Of the run.", .max = 128});
}

template <class V>
void fields(V& v, Of<ModelVersionSpec>) {
  v("model", &ModelVersionSpec::model,
    {.doc = "Name of the model.", .required = true, .min = 1, .max = 40, .pattern = kNamePattern});
  v("artifact", &ModelVersionSpec::artifact, {.doc = "The trained model.", .required = true});
  v("environment", &ModelVersionSpec::environment,
    {.doc = "What really was in the container that trained it.", .required = true});
  v("metrics", &ModelVersionSpec::metrics,
    {.doc = "Numbers of metrics.json, as decimal strings. Two of them have a meaning: error, the "
            "mean error a row on rows that it was not trained on (0 to 1, the share of wrong ones, "
            "or a loss that is not negative), and error_rows, how many rows those were. With both "
            "of them labels of live requests are judged against that error; else it is learned "
            "from the first labels.",
     .max = 256});
  v("profile", &ModelVersionSpec::profile,
    {.doc = "What the training data looks like: compared with live requests."});
  v("context", &ModelVersionSpec::context,
    {.doc = "The kind of data that it is for, as requests name it, {vehicle: A}: what context.json "
            "says, else what the run was asked for. Left out: any. Keys are as of labels, values "
            "have 1 to 128 printable characters.",
     .max = 16});
  v("lineage", &ModelVersionSpec::lineage, {.doc = "Where it comes from."});
}

template <class V>
void fields(V& v, Of<ModelVersionStatus>) {
  v("observedGeneration", &ModelVersionStatus::observedGeneration,
    {.doc = "The metadata.generation that was acted on."});
  v("conditions", &ModelVersionStatus::conditions, {.doc = kConditionsDoc, .key = "type"});
  v("servedBy", &ModelVersionStatus::servedBy,
    {.doc = "ModelDeployments that send traffic to it.", .max = 256});
}

}  // namespace reprise::api
