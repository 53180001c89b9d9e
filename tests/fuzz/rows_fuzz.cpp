// Bodies of inference requests, their answers, and labels, as anybody on the network sends them.
#include "fuzz/fuzz.h"

#include "agent/monitor/feedback.h"
#include "agent/monitor/rows.h"
#include "drift/profile.h"

using namespace reprise;
namespace monitor = agent::monitor;

REPRISE_FUZZ_TARGET(text) {
  static const drift::Basis basis =
      *drift::Basis::fit({"a", "b", "c"}, {{1.0, 2.0, std::string("x")},
                                           {2.0, 3.0, std::string("y")},
                                           {3.0, 5.0, std::string("x")},
                                           {4.0, 1.0, std::string("y")}});
  for (const char* protocol : {"v2", "v1", "json"}) {
    const auto rows = monitor::parseRows(protocol, text, basis);
    fuzz::require(rows.rows.size() <= monitor::kMaxRequestRows,
                  "more rows than a request may have");
    drift::Profile profile(basis);
    for (const auto& row : rows.rows)
      fuzz::require(profile.add(basis, row).has_value(), "a row does not fit its basis");
    (void)monitor::parsePredictions(protocol, text);
  }
  if (auto labels = monitor::parseLabels(text)) {
    static const FakeClock clock;
    monitor::Feedback feedback({}, clock);
    (void)feedback.take(std::move(*labels));
    fuzz::require(nlohmann::json::accept(feedback.labelled(0, 100)), "labelled rows are no JSON");
  }
}
