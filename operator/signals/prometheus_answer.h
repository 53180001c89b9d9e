// The answer of Prometheus to an instant query (GET /api/v1/query). Pure; nothing in it is trusted.
#pragma once

#include <string>

#include <tl/expected.hpp>

namespace reprise::signals {

// Why there is no number: a reason of the condition SignalsReady, and what to do.
struct NoNumber {
  std::string reason, message;
};

// The one number: a scalar, or a vector with one series. Never NaN; may be infinite.
tl::expected<double, NoNumber> parsePrometheusAnswer(int status, const std::string& body);

}  // namespace reprise::signals
