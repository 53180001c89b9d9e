#include "signals/event.h"

#include <algorithm>
#include <cctype>

#include "base/digest.h"
#include "signals/alertmanager.h"
#include "signals/cloud_event.h"
#include "signals/evidently.h"
#include "signals/json_text.h"

namespace reprise::signals {
namespace {

// "application/json" of "Application/JSON; charset=utf-8".
std::string mediaType(const http::Headers& headers) {
  std::string out = http::header(headers, "content-type");
  out = out.substr(0, out.find(';'));
  while (!out.empty() && out.back() == ' ') out.pop_back();
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

}  // namespace

Read<DriftSignal> parseEvent(const http::Headers& headers, const std::string& body,
                             bool signedBody) {
  const std::string type = mediaType(headers);
  if (type == "application/cloudevents+json") return parseStructuredCloudEvent(body);
  if (type != "application/json") {
    return unreadable(
        "Content-Type must be application/cloudevents+json, or application/json (an event in "
        "binary mode, Alertmanager's notification, Evidently's report)",
        415);
  }
  if (!http::header(headers, "ce-specversion").empty() || !http::header(headers, "ce-id").empty()) {
    if (signedBody) {
      return unreadable(
          "a signature covers the body and not the headers: send the event in structured mode "
          "(Content-Type: application/cloudevents+json)");
    }
    return parseBinaryCloudEvent(headers, body);
  }
  const auto json = parseObject(body);
  if (!json) return tl::unexpected(json.error());
  if (json->contains("specversion")) {
    return unreadable(
        "this is a CloudEvent in structured mode: its Content-Type must be "
        "application/cloudevents+json",
        415);
  }
  if (isAlertmanager(*json)) return parseAlertmanager(*json);
  if (isEvidently(*json)) {
    auto out = parseEvidently(*json);
    if (out) out->id = "report-" + sha256Hex(body).substr(0, 32);
    return out;
  }
  return unreadable(
      "the body is no CloudEvent (headers ce-*), no notification of Alertmanager's (alerts) and no "
      "report of Evidently's (metrics)");
}

}  // namespace reprise::signals
