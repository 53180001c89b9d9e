#include "signals/evidently.h"

#include <cmath>
#include <vector>

namespace reprise::signals {
namespace {

struct Seen {
  std::vector<std::string> drifted;  // columns
  std::size_t columns = 0;
  std::optional<double> share;
  double limit = 0.5;  // Evidently's own default
};

std::string typeOf(const Json& metric) {
  const auto config = metric.find("config");
  if (config == metric.end() || !config->is_object()) return {};
  return textAt(*config, "type", "type", kMaxId).value_or("");
}

Read<void> readCount(const Json& metric, const std::string& path, Seen& seen) {
  const auto value = metric.find("value");
  if (value == metric.end() || !value->is_object())
    return unreadable(path + ".value must be an object with count and share");
  const auto share = numberAt(*value, "share", path + ".value.share");
  if (!share) return tl::unexpected(share.error());
  if (!*share || **share < 0 || **share > 1)
    return unreadable(path + ".value.share must be a number from 0 to 1");
  const auto limit = numberAt(metric["config"], "drift_share", path + ".config.drift_share");
  if (!limit) return tl::unexpected(limit.error());
  seen.share = **share;
  if (*limit) seen.limit = **limit;
  return {};
}

Read<void> readColumn(const Json& metric, const std::string& path, Seen& seen) {
  const auto& config = metric["config"];
  const auto method = textAt(config, "method", path + ".config.method", kMaxId);
  if (!method) return tl::unexpected(method.error());
  const auto column = textAt(config, "column", path + ".config.column", 1 << 12);
  if (!column) return tl::unexpected(column.error());
  const auto threshold = numberAt(config, "threshold", path + ".config.threshold");
  if (!threshold) return tl::unexpected(threshold.error());
  const auto value = numberAt(metric, "value", path + ".value");
  if (!value) return tl::unexpected(value.error());
  if (!*threshold || !*value)
    return unreadable(path + " needs config.threshold and value, both numbers");
  // A p-value says how likely the rows are alike; all else is a distance.
  const bool drifted =
      method->ends_with("p_value") ? **value < **threshold : **value >= **threshold;
  ++seen.columns;
  if (drifted) seen.drifted.push_back(*column);
  return {};
}

std::string sentence(const Seen& seen) {
  std::string out;
  if (seen.columns > 0) {
    out = std::to_string(seen.drifted.size()) + " of " + std::to_string(seen.columns) +
          " columns drifted";
    for (std::size_t i = 0; i < seen.drifted.size() && i < 8; ++i)
      out += (i == 0 ? ": " : ", ") + seen.drifted[i];
    if (seen.drifted.size() > 8) out += ", …";
  } else {
    out = "a share of columns drifted";
  }
  return forPeople(out);
}

}  // namespace

bool isEvidently(const Json& json) {
  const auto metrics = json.find("metrics");
  return metrics != json.end() && metrics->is_array();
}

Read<DriftSignal> parseEvidently(const Json& report) {
  Seen seen;
  std::size_t index = 0;
  for (const auto& metric : report["metrics"]) {
    const std::string path = "metrics[" + std::to_string(index++) + "]";
    if (!metric.is_object()) return unreadable(path + " must be an object");
    const std::string type = typeOf(metric);
    Read<void> done;
    if (type == "evidently:metric_v2:DriftedColumnsCount") done = readCount(metric, path, seen);
    if (type == "evidently:metric_v2:ValueDrift") done = readColumn(metric, path, seen);
    if (!done) return tl::unexpected(done.error());
  }
  if (!seen.share && seen.columns == 0) {
    return unreadable(
        "metrics has neither DriftedColumnsCount nor ValueDrift: add the preset DataDriftPreset to "
        "the report (Evidently 0.7, run.json())");
  }
  DriftSignal out;
  out.source = "evidently";
  out.drifted = seen.share ? *seen.share >= seen.limit : !seen.drifted.empty();
  out.score = seen.share
                  ? *seen.share
                  : static_cast<double>(seen.drifted.size()) / static_cast<double>(seen.columns);
  out.message = sentence(seen);
  return out;
}

}  // namespace reprise::signals
