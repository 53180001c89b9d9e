// `verify`: ends a check. Hands on the metrics of the steps, and asks a model server the golden
// requests.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "agent/termination.h"
#include "base/http.h"
#include "base/time.h"

namespace reprise::agent {

struct VerifyOptions {
  std::filesystem::path metrics;
  std::string url;  // "http://127.0.0.1:8080"; "" = there is no server to ask
  std::string protocol = "v2", model;
  std::filesystem::path examples;  // not there = the server only has to answer
  Milliseconds timeout{120'000};   // until the server must have answered first
};

// Reasons: Verified; MetricsMissing, MetricsMalformed, ExamplesMalformed; ServerUnreachable: it did
// not answer in time, with what was seen last; GoldenRequestsFailed: which line, where, expected
// and got. `more` has "metrics".
Ending verify(const VerifyOptions& options, http::Transport& transport, const Clock& clock,
              const std::function<void(Milliseconds)>& sleep);

}  // namespace reprise::agent
