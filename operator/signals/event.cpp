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
  if (type == "application/cloudevents+json") {
    const auto event = parseObject(body);
    return event ? parseStructuredCloudEvent(*event) : tl::unexpected(event.error());
  }
  if (type != "application/json") {
    return unreadable(
        "Content-Type must be application/cloudevents+json, application/cloudevents-batch+json, or "
        "application/json (an event in "
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

bool isBatch(const http::Headers& headers) {
  return mediaType(headers) == "application/cloudevents-batch+json";
}

Read<std::vector<Read<DriftSignal>>> parseBatch(const std::string& body) {
  const auto events = parseArray(body);
  if (!events) return tl::unexpected(events.error());
  if (events->size() > kMaxBatch) {
    return unreadable("the batch has " + std::to_string(events->size()) + " events: send at most " +
                          std::to_string(kMaxBatch),
                      413);
  }
  std::vector<Read<DriftSignal>> out;
  for (const auto& event : *events) {
    if (event.is_object())
      out.push_back(parseStructuredCloudEvent(event));
    else
      out.push_back(
          unreadable(std::string("an event must be an object, not ") + event.type_name()));
  }
  return out;
}

}  // namespace reprise::signals
