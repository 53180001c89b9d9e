// What a run left behind, read and checked: all that is known before anything is stored.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include <tl/expected.hpp>

#include "agent/termination.h"
#include "api/model_version.h"

namespace reprise::agent {

struct Outcome {
  std::string name, ns;  // of the ModelVersion to be
  std::map<std::string, std::string> labels;
  std::string storeUri;                   // pvc://<claim>
  std::filesystem::path model, examples;  // examples "" where the run wrote none
  api::ModelVersionSpec spec;             // all but the artifact
  std::string note;                       // what the user should know, "" most often

  // The object with this artifact in it.
  nlohmann::json object(const std::string& sha256, std::int64_t bytes) const;
};

// `input` holds run.json and, where an earlier version fixed one, basis.json: from the operator.
// `output` is what the steps wrote. The Ending says what is wrong: InputMalformed,
// EnvironmentMissing, ModelMissing, MetricsMissing, MetricsMalformed, ContextMalformed,
// DataMalformed, ProfileMalformed, ExamplesMalformed, ObjectTooLarge. `context`: JSON text of the
// context that the run was asked for, "" if none; context.json of the steps goes before it.
tl::expected<Outcome, Ending> readOutcome(const std::filesystem::path& input,
                                          const std::filesystem::path& output,
                                          const std::string& context = "");

}  // namespace reprise::agent
