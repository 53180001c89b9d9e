#include "signals/alertmanager.h"

#include <algorithm>
#include <vector>

#include "base/digest.h"

namespace reprise::signals {
namespace {

constexpr std::size_t kMaxAlerts = 1000;

// Of commonLabels and commonAnnotations; an annotation wins.
Read<std::string> common(const Json& given, const char* key, std::size_t most) {
  std::string out;
  for (const char* map : {"commonLabels", "commonAnnotations"}) {
    const auto it = given.find(map);
    if (it == given.end() || it->is_null()) continue;
    if (!it->is_object()) return unreadable(std::string(map) + " must be an object");
    auto text = textAt(*it, key, std::string(map) + "." + key, most);
    if (!text) return text;
    if (!text->empty()) out = std::move(*text);
  }
  return out;
}

Read<std::string> commonName(const Json& given, const char* key) {
  auto out = common(given, key, kMaxName);
  if (out && !isPrintable(*out))
    return unreadable(std::string(key) + " must be printable ASCII characters");
  return out;
}

// Which alerts are in which state since when: the same as long as nothing changed.
Read<std::string> stateOf(const Json& alerts, std::optional<Time>& newest) {
  std::vector<std::string> lines;
  std::size_t index = 0;
  for (const auto& alert : alerts) {
    const std::string path = "alerts[" + std::to_string(index++) + "]";
    if (!alert.is_object()) return unreadable(path + " must be an object");
    std::string line;
    for (const char* key : {"fingerprint", "status", "startsAt"}) {
      const auto text = textAt(alert, key, path + "." + key, kMaxId);
      if (!text) return text;
      line += *text + "\n";
      if (std::string_view(key) != "startsAt" || text->empty()) continue;
      const auto time = parseTime(*text);
      if (!time) return unreadable(path + ".startsAt must be as 2026-01-02T03:04:05Z");
      if (!newest || *time > *newest) newest = *time;
    }
    lines.push_back(std::move(line));
  }
  std::sort(lines.begin(), lines.end());
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  return out;
}

}  // namespace

bool isAlertmanager(const Json& json) {
  const auto alerts = json.find("alerts");
  return alerts != json.end() && alerts->is_array();
}

Read<DriftSignal> parseAlertmanager(const Json& given) {
  const auto version = textAt(given, "version", "version", 16);
  if (!version) return tl::unexpected(version.error());
  if (*version != "4")
    return unreadable("version must be \"4\", as Alertmanager's webhook receiver sends it");
  const auto status = textAt(given, "status", "status", 16);
  if (!status) return tl::unexpected(status.error());
  if (*status != "firing" && *status != "resolved")
    return unreadable("status must be firing or resolved");
  const auto& alerts = given["alerts"];
  if (alerts.empty() || alerts.size() > kMaxAlerts)
    return unreadable("alerts must have 1 to " + std::to_string(kMaxAlerts) + " entries");
  DriftSignal out;
  const auto state = stateOf(alerts, out.time);
  if (!state) return tl::unexpected(state.error());
  const auto group = textAt(given, "groupKey", "groupKey", 1 << 16);
  if (!group) return tl::unexpected(group.error());
  out.id = *status + "-" + sha256Hex(*group + "\n" + *status + "\n" + *state).substr(0, 32);
  const auto receiver = textAt(given, "receiver", "receiver", 1 << 12);
  if (!receiver) return tl::unexpected(receiver.error());
  out.source = forPeople(receiver->empty() ? "alertmanager" : "alertmanager/" + *receiver, kMaxId);
  out.drifted = *status == "firing";
  const auto named = commonName(given, "reprise_version");
  if (!named) return tl::unexpected(named.error());
  const auto context = commonName(given, "reprise_context");
  if (!context) return tl::unexpected(context.error());
  out.version = *named;
  out.context = *context;
  for (const char* key : {"alertname", "description", "summary"}) {
    const auto text = common(given, key, 1 << 16);
    if (!text) return tl::unexpected(text.error());
    if (!text->empty()) out.message = forPeople(*text);
  }
  return out;
}

}  // namespace reprise::signals
