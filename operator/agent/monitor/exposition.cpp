#include "agent/monitor/exposition.h"

#include <string_view>

#include <fmt/format.h>

namespace reprise::agent::monitor {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

class Writer {
 public:
  explicit Writer(std::string labels) : labels_(std::move(labels)) {}

  void head(std::string_view name, std::string_view type, std::string_view help) {
    out_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  template <class Value>
  void value(std::string_view name, Value value, std::string_view more = {}) {
    out_ += fmt::format("{}{{{}{}{}}} {}\n", name, labels_, more.empty() ? "" : ",", more, value);
  }
  template <class Value>
  void one(std::string_view name, std::string_view type, std::string_view help, Value number) {
    head(name, type, help);
    value(name, number);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string labels_, out_;
};

void latency(Writer& out, const Counters& counters) {
  const char* name = "reprise_monitor_request_seconds";
  out.head(name, "histogram", "From a request's head to the last byte of its answer.");
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kLatencyBounds.size(); ++i) {
    sum += counters.latency[i].load();
    out.value(fmt::format("{}_bucket", name), sum,
              fmt::format("le=\"{}\"", kLatencyBounds[i] / 1e6));
  }
  sum += counters.latency.back().load();
  out.value(fmt::format("{}_bucket", name), sum, "le=\"+Inf\"");
  out.value(fmt::format("{}_sum", name), static_cast<double>(counters.latencySumUs.load()) / 1e6);
  out.value(fmt::format("{}_count", name), sum);
}

void drift(Writer& out, const DriftScore::Score& score) {
  out.one("reprise_monitor_drift_rows", "gauge", "The newest rows that are compared.", score.rows);
  out.one("reprise_monitor_drift_effect", "gauge",
          "Their distance to the version's training data, 0 to 1.", score.effect);
  out.one("reprise_monitor_drift_z", "gauge",
          "The same in standard deviations of what chance makes.", score.z);
  if (score.predictions) {
    out.one("reprise_monitor_prediction_distance", "gauge",
            "Jensen-Shannon divergence of the model's answers, 0 to 1.", *score.predictions);
  }
  const char* name = "reprise_monitor_feature_distance";
  out.head(name, "gauge", "Jensen-Shannon divergence of one feature, 0 to 1.");
  for (const auto& feature : score.features) {
    out.value(name, feature.jensenShannon, fmt::format("feature=\"{}\"", escaped(feature.name)));
  }
}

}  // namespace

std::string exposition(const Counters& c, const std::optional<DriftScore::Score>& score,
                       const std::string& model, const std::string& version) {
  Writer out(fmt::format("model=\"{}\",version=\"{}\"", escaped(model), escaped(version)));
  out.head("reprise_monitor_requests_total", "counter", "Requests answered, by class of status.");
  for (std::size_t digit = 1; digit < c.responses.size(); ++digit) {
    out.value("reprise_monitor_requests_total", c.responses[digit].load(),
              fmt::format("code=\"{}xx\"", digit));
  }
  latency(out, c);
  out.one("reprise_monitor_in_flight", "gauge", "Requests under way.", c.inFlight.load());
  out.one("reprise_monitor_connections", "gauge", "Connections of clients.", c.open.load());
  out.one("reprise_monitor_connections_total", "counter", "Connections accepted.",
          c.connections.load());
  out.one("reprise_monitor_connections_refused_total", "counter",
          "Connections closed because there were too many.", c.connectionsRefused.load());
  const char* errors = "reprise_monitor_upstream_errors_total";
  out.head(errors, "counter", "Requests that the model server did not answer.");
  out.value(errors, c.upstreamConnectErrors.load(), "why=\"connect\"");
  out.value(errors, c.upstreamErrors.load(), "why=\"broken\"");
  out.value(errors, c.upstreamTimeouts.load(), "why=\"timeout\"");
  out.one("reprise_monitor_upstream_retries_total", "counter",
          "Requests sent again because a kept connection had been closed.",
          c.upstreamRetries.load());
  out.one("reprise_monitor_bad_requests_total", "counter", "Requests that are not HTTP/1.1.",
          c.badRequests.load());
  out.one("reprise_monitor_client_timeouts_total", "counter", "Clients that were too slow.",
          c.clientTimeouts.load());
  out.one("reprise_monitor_upgrades_total", "counter", "Connections upgraded.", c.upgrades.load());
  out.one("reprise_monitor_profiled_requests_total", "counter", "Requests profiled.",
          c.requestsProfiled.load());
  out.one("reprise_monitor_profiled_rows_total", "counter", "Rows profiled.", c.rows.load());
  out.one("reprise_monitor_windows_total", "counter", "Windows closed.", c.windows.load());
  const char* dropped = "reprise_monitor_dropped_total";
  out.head(dropped, "counter", "Inference requests that were forwarded but not profiled.");
  out.value(dropped, c.droppedRate.load(), "why=\"rate\"");
  out.value(dropped, c.droppedQueue.load(), "why=\"queue\"");
  out.value(dropped, c.droppedLong.load(), "why=\"long\"");
  out.value(dropped, c.unreadable.load(), "why=\"unreadable\"");
  const char* labels = "reprise_monitor_feedback_total";
  out.head(labels, "counter", "Labels that came, by whether their request was known.");
  out.value(labels, c.labels.load(), "known=\"true\"");
  out.value(labels, c.labelsUnknown.load(), "known=\"false\"");
  out.one("reprise_monitor_feedback_error_sum", "counter", "Sum of the errors of labelled rows.",
          c.errorSum.load());
  out.one("reprise_monitor_routed_total", "counter",
          "Requests that a Pod of another version answered, by a route.", c.routed.load());
  out.one("reprise_monitor_route_fallbacks_total", "counter",
          "Requests with a route that were answered here, as that Pod took no connection.",
          c.routeFallbacks.load());
  if (score) drift(out, *score);
  return out.take();
}

}  // namespace reprise::agent::monitor
