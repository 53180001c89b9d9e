#include "registry/gates.h"

#include <charconv>

namespace reprise::registry {
namespace {

std::optional<double> number(const std::string& text) {
  double value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::string> failed(const api::Gate& gate,
                                  const std::map<std::string, std::string>& metrics) {
  const auto it = metrics.find(gate.metric);
  if (it == metrics.end()) {
    return "gate on metric '" + gate.metric +
           "': metrics.json has no such metric; write it in the evaluate step";
  }
  const auto value = number(it->second);
  if (!value) return "gate on metric '" + gate.metric + "': '" + it->second + "' is not a number";
  for (const auto& [limit, isMin] : {std::pair{gate.min, true}, std::pair{gate.max, false}}) {
    if (!limit) continue;
    const auto bound = number(*limit);
    if (!bound)
      return "gate on metric '" + gate.metric + "': the limit '" + *limit + "' is not a number";
    if (isMin ? *value < *bound : *value > *bound) {
      return gate.metric + " is " + it->second + ", the gate asks for " +
             (isMin ? "at least " : "at most ") + *limit;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> failedGate(const std::vector<api::Gate>& gates,
                                      const std::map<std::string, std::string>& metrics) {
  for (const api::Gate& gate : gates) {
    if (auto message = failed(gate, metrics)) return message;
  }
  return std::nullopt;
}

}  // namespace reprise::registry
