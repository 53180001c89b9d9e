#include "signals/prometheus_answer.h"

#include <cmath>
#include <cstdlib>

#include "signals/json_text.h"

namespace reprise::signals {
namespace {

constexpr const char* kQuery = "spec.drift.source.prometheus.query";

auto no(std::string reason, std::string message) {
  return tl::unexpected(NoNumber{std::move(reason), std::move(message)});
}

// [<time>, "<number>"]: strtod knows Prometheus' NaN, +Inf and -Inf.
tl::expected<double, NoNumber> numberOf(const Json& sample) {
  if (sample.is_array() && sample.size() == 2 && sample[1].is_string()) {
    const auto& text = sample[1].get_ref<const std::string&>();
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (!text.empty() && text.size() < 64 && end == text.c_str() + text.size()) {
      if (!std::isnan(value)) return value;
      return no("QueryNotANumber",
                std::string(kQuery) +
                    " gives NaN, as a division by zero does: write it so that there is a number, "
                    "e.g. with 'and on() <denominator> > 0'");
    }
  }
  return no("PrometheusMalformed",
            "the answer of Prometheus has no sample of the form [time, "
            "\"number\"]: is serverAddress that of a Prometheus?");
}

tl::expected<double, NoNumber> oneSeries(const Json& result) {
  if (result.empty()) {
    return no("QueryEmpty", std::string(kQuery) +
                                " gives no series: check its metric and labels; 'or vector(0)' "
                                "makes nothing a zero");
  }
  if (result.size() > 1) {
    return no("QueryManySeries", std::string(kQuery) + " gives " + std::to_string(result.size()) +
                                     " series and must give one: sum or max over them");
  }
  if (!result[0].is_object() || !result[0].contains("value"))
    return no("PrometheusMalformed", "the answer of Prometheus has a series without a value");
  return numberOf(result[0]["value"]);
}

}  // namespace

tl::expected<double, NoNumber> parsePrometheusAnswer(int status, const std::string& body) {
  const auto json = parseObject(body);
  const std::string said = json ? textAt(*json, "status", "status", 16).value_or("") : "";
  if (said == "error") {
    // Only what is certainly Prometheus' own text is repeated: the address is a user's choice, and
    // what else may answer there is not for everybody who can read the status.
    const auto text = textAt(*json, "error", "error", 1 << 16).value_or("");
    return no("QueryRefused", "Prometheus refused " + std::string(kQuery) + " (HTTP " +
                                  std::to_string(status) + "): " + forPeople(text));
  }
  if (status == 401 || status == 403) {
    return no("PrometheusForbidden",
              "Prometheus answered HTTP " + std::to_string(status) +
                  ": give a token that it takes in spec.drift.source.prometheus.bearerToken");
  }
  if (status != 200) {
    return no("PrometheusUnavailable", "Prometheus answered HTTP " + std::to_string(status) +
                                           ": check spec.drift.source.prometheus.serverAddress");
  }
  const auto data = json ? json->find("data") : Json::const_iterator();
  if (!json || said != "success" || data == json->end() || !data->is_object() ||
      !data->contains("result")) {
    return no("PrometheusMalformed",
              "what answers at spec.drift.source.prometheus.serverAddress is no Prometheus: it "
              "must have /api/v1/query below it");
  }
  const std::string type = textAt(*data, "resultType", "resultType", 16).value_or("");
  const auto& result = (*data)["result"];
  if (type == "scalar") return numberOf(result);
  if (type == "vector" && result.is_array()) return oneSeries(result);
  return no("QueryWrongType", std::string(kQuery) + " gives a " + forPeople(type, 16) +
                                  " and must give a scalar or an instant vector: leave the range "
                                  "out, or take e.g. avg_over_time of it");
}

}  // namespace reprise::signals
