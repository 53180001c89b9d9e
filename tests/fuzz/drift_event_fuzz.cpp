// What anybody posts to the webhook: lines "name: value", an empty line, the body.
#include "fuzz/fuzz.h"

#include <cmath>

#include "signals/event.h"
#include "signals/signature.h"

using namespace reprise;

REPRISE_FUZZ_TARGET(text) {
  http::Headers headers;
  std::size_t at = 0;
  for (int lines = 0; lines < 16 && at < text.size(); ++lines) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = text.substr(at, end - at);
    at = std::min(end + 1, text.size());
    if (line.empty()) break;
    const auto colon = std::min(line.find(": "), line.size());
    headers.emplace_back(line.substr(0, colon), line.substr(std::min(colon + 2, line.size())));
  }
  const std::string body(text.substr(at));
  if (const auto given = signals::signatureOf(headers)) {
    const Time now{Milliseconds{1'700'000'000'000}};
    (void)signals::checkSignedHeaders(*given, now, std::chrono::minutes(5));
    fuzz::require(!signals::signatureFits(*given, body, "a key that nobody knows, of 32 bytes"),
                  "a signature was guessed");
  }
  if (const auto batch = signals::parseBatch(body))
    fuzz::require(batch->size() <= signals::kMaxBatch, "a batch without a bound");
  for (const bool isSigned : {false, true}) {
    const auto out = signals::parseEvent(headers, body, isSigned);
    if (!out) {
      fuzz::require(out.error().status == 400 || out.error().status == 415, "another status");
      fuzz::require(!out.error().message.empty(), "what is refused says why");
      continue;
    }
    fuzz::require(!out->id.empty() && out->id.size() <= signals::kMaxId, "an id without a bound");
    fuzz::require(out->source.size() <= signals::kMaxId, "a source without a bound");
    fuzz::require(out->version.size() <= signals::kMaxName &&
                      out->context.size() <= signals::kMaxName &&
                      out->message.size() <= signals::kMaxMessage,
                  "a text without a bound");
    fuzz::require(!out->score || std::isfinite(*out->score), "a score that is no number");
    // The API server takes only UTF-8, and what is written into a terminal must not steer it.
    for (const auto& one : {out->id, out->source, out->version, out->context, out->message}) {
      (void)nlohmann::json(one).dump();  // throws where it is no UTF-8
      for (const char c : one)
        fuzz::require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "a control character");
    }
  }
}
