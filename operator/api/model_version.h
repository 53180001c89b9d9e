// ModelVersion: one trained model, written once by the run that made it. The registry inside the
// cluster.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "api/meta.h"

namespace reprise::api {

struct Artifact {
  std::string uri;     // pvc://<claim>/sha256/<hex>
  std::string sha256;  // 64 hex digits, of the archive that uri names
  std::int64_t bytes = 0;
};

struct RecordedEnvironment {
  std::string image;                            // repository@sha256:…
  std::string python;                           // "3.11.2"; "" where the image has none
  std::map<std::string, std::string> packages;  // as they were in the container
  std::string packagesSha256;
  std::string platform;  // linux/amd64
};

struct Lineage {
  std::string pipeline, run, trigger, parent, dataUri;
  std::map<std::string, std::string> parameters;
};

struct ModelVersionSpec {
  std::string model;
  Artifact artifact;
  RecordedEnvironment environment;
  std::map<std::string, std::string> metrics;  // decimal numbers as strings
  nlohmann::json profile;  // of the training data, as drift/profile.h writes it; null if none
  // The kind of data that it is for, as requests name it: {"vehicle": "A"}; empty: any. Keys are as
  // of labels, at most 16; values have 1 to 128 printable ASCII characters.
  std::map<std::string, std::string> context;
  Lineage lineage;
};

struct ModelVersionStatus {
  std::int64_t observedGeneration = 0;
  std::vector<Condition> conditions;  // Available: its gates passed, it may be served
  std::vector<std::string> servedBy;  // ModelDeployments of this namespace
};

struct ModelVersion {
  ObjectMeta meta;
  ModelVersionSpec spec;
  ModelVersionStatus status;
};

}  // namespace reprise::api
