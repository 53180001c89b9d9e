// What answers at an address that a user chose.
#include "fuzz/fuzz.h"

#include <cmath>

#include "signals/prometheus_answer.h"

using namespace reprise;

REPRISE_FUZZ_TARGET(text) {
  for (const int status : {200, 400}) {
    const auto out = signals::parsePrometheusAnswer(status, std::string(text));
    if (out) {
      fuzz::require(!std::isnan(*out), "NaN is no number");
    } else {
      fuzz::require(!out.error().reason.empty() && !out.error().message.empty(),
                    "what is refused says why");
      fuzz::require(out.error().message.size() < 1024, "a message without a bound");
      (void)nlohmann::json(out.error().message).dump();  // throws where it is no UTF-8
    }
  }
}
