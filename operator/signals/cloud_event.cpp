#include "signals/cloud_event.h"

#include "signals/evidently.h"
#include "signals/json_text.h"

namespace reprise::signals {
namespace {

struct Attributes {
  std::string specversion, id, source, type, time;
};

Read<DriftSignal> envelope(const Attributes& given, const std::string& prefix) {
  if (given.specversion != "1.0")
    return unreadable(prefix + "specversion must be 1.0, not '" + forPeople(given.specversion, 32) +
                      "'");
  DriftSignal out;
  out.id = given.id;
  out.source = forPeople(given.source, kMaxId);
  if (out.id.empty() || out.id.size() > kMaxId || !isPrintable(out.id)) {
    return unreadable(prefix + "id must be 1 to " + std::to_string(kMaxId) +
                      " printable ASCII characters");
  }
  if (given.source.empty()) return unreadable(prefix + "source must say who sends the event");
  if (given.type.empty())
    return unreadable(prefix + "type must not be empty; it may be " + kDetected);
  if (!given.time.empty()) {
    const auto time = parseTime(given.time);
    if (!time) return unreadable(prefix + "time must be as 2026-01-02T03:04:05Z");
    out.time = *time;
  }
  return out;
}

Read<std::string> nameAt(const Json& data, const char* key, const std::string& path) {
  auto name = textAt(data, key, path, kMaxName);
  if (name && !isPrintable(*name)) return unreadable(path + " must be printable ASCII characters");
  return name;
}

Read<DriftSignal> withData(DriftSignal out, const std::string& type, const Json& data,
                           const std::string& path) {
  if (isEvidently(data)) {
    auto report = parseEvidently(data);
    if (!report) return report;
    out.drifted = report->drifted;
    out.score = report->score;
    out.message = report->message;
    return out;
  }
  const auto drifted = boolAt(data, "drifted", path + "drifted");
  if (!drifted) return tl::unexpected(drifted.error());
  const bool known = type == kDetected || type == kResolved;
  if (!*drifted && !known) {
    return unreadable(path + "drifted must be true or false where type is not " + kDetected +
                      " or " + kResolved);
  }
  out.drifted = drifted->value_or(type == kDetected);
  if (known && out.drifted != (type == kDetected))
    return unreadable(path + "drifted says the opposite of type " + type);
  const auto score = numberAt(data, "score", path + "score");
  if (!score) return tl::unexpected(score.error());
  out.score = *score;
  const auto version = nameAt(data, "version", path + "version");
  if (!version) return tl::unexpected(version.error());
  const auto context = nameAt(data, "context", path + "context");
  if (!context) return tl::unexpected(context.error());
  const auto message = textAt(data, "message", path + "message", 1 << 16);
  if (!message) return tl::unexpected(message.error());
  out.version = *version;
  out.context = *context;
  out.message = forPeople(*message);
  return out;
}

// Binary mode writes what is no printable ASCII as %XX.
std::string percentDecoded(const std::string& text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = i + 2 < text.size() && text[i] == '%' ? digit(text[i + 1]) : -1;
    const int low = high >= 0 ? digit(text[i + 2]) : -1;
    if (low < 0) {
      out += text[i];
    } else {
      out += static_cast<char>(16 * high + low);
      i += 2;
    }
  }
  return out;
}

std::string attribute(const http::Headers& headers, const char* name) {
  return percentDecoded(http::header(headers, name));
}

}  // namespace

Read<DriftSignal> parseStructuredCloudEvent(const Json& event) {
  Attributes given;
  const std::pair<const char*, std::string*> all[] = {{"specversion", &given.specversion},
                                                      {"id", &given.id},
                                                      {"source", &given.source},
                                                      {"type", &given.type},
                                                      {"time", &given.time}};
  for (const auto& [key, into] : all) {
    auto text = textAt(event, key, key, 2048);
    if (!text) return tl::unexpected(text.error());
    *into = std::move(*text);
  }
  auto out = envelope(given, "");
  if (!out) return out;
  if (event.contains("data_base64")) return unreadable("data_base64: send data as JSON in data");
  const auto data = event.find("data");
  if (data == event.end() || data->is_null())
    return withData(std::move(*out), given.type, Json::object(), "data.");
  if (!data->is_object())
    return unreadable(std::string("data must be an object, not ") + data->type_name());
  return withData(std::move(*out), given.type, *data, "data.");
}

Read<DriftSignal> parseBinaryCloudEvent(const http::Headers& headers, const std::string& body) {
  const Attributes given{attribute(headers, "ce-specversion"), attribute(headers, "ce-id"),
                         attribute(headers, "ce-source"), attribute(headers, "ce-type"),
                         attribute(headers, "ce-time")};
  auto out = envelope(given, "header ce-");
  if (!out) return out;
  if (body.empty()) return withData(std::move(*out), given.type, Json::object(), "");
  const auto data = parseObject(body);
  if (!data) return tl::unexpected(data.error());
  return withData(std::move(*out), given.type, *data, "");
}

}  // namespace reprise::signals
