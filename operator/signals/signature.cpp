#include "signals/signature.h"

#include <strings.h>

#include <algorithm>
#include <charconv>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace reprise::signals {
namespace {

constexpr std::size_t kMaxSignatures = 8;

}  // namespace

std::optional<Signed> signatureOf(const http::Headers& headers) {
  Signed out;
  for (const auto& [key, value] : headers) {
    if (strcasecmp(key.c_str(), "webhook-id") == 0) out.id = value;
    if (strcasecmp(key.c_str(), "webhook-timestamp") == 0) out.timestamp = value;
    if (strcasecmp(key.c_str(), "webhook-signature") == 0) out.signatures = value;
  }
  if (out.signatures.empty()) return std::nullopt;
  return out;
}

Expected<void> checkSignedHeaders(const Signed& given, Time now, Milliseconds window) {
  // The three parts are joined with dots: one in the id would let them be cut elsewhere.
  if (given.id.empty() || given.id.size() > 256 || given.id.find('.') != std::string::npos) {
    return fail(ErrorCode::Forbidden, "header webhook-id must have 1 to 256 characters and no dot");
  }
  std::int64_t seconds = 0;
  const char* end = given.timestamp.data() + given.timestamp.size();
  const auto parsed = std::from_chars(given.timestamp.data(), end, seconds);
  if (parsed.ec != std::errc() || parsed.ptr != end || seconds < 0 || seconds > 99'999'999'999) {
    return fail(ErrorCode::Forbidden, "header webhook-timestamp must be Unix time in seconds");
  }
  const auto sent = Time{std::chrono::seconds(seconds)};
  if (sent < now - window || sent > now + window) {
    return fail(ErrorCode::Forbidden,
                "header webhook-timestamp is more than " + formatDuration(window) +
                    " from the operator's clock, which says " + formatTime(now) +
                    ": sign each try anew, and check both clocks");
  }
  return {};
}

std::string sign(const std::string& id, const std::string& timestamp, const std::string& body,
                 const std::string& key) {
  const std::string text = id + "." + timestamp + "." + body;
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (!HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
            reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size))
    return {};
  unsigned char encoded[2 * EVP_MAX_MD_SIZE];
  const int length = EVP_EncodeBlock(encoded, mac, static_cast<int>(size));
  return "v1," + std::string(reinterpret_cast<const char*>(encoded),
                             static_cast<std::size_t>(std::max(length, 0)));
}

bool signatureFits(const Signed& given, const std::string& body, const std::string& key) {
  if (key.size() < kMinKey) return false;
  const std::string wanted = sign(given.id, given.timestamp, body, key);
  bool fits = false;
  std::size_t begin = 0;
  for (std::size_t count = 0; count < kMaxSignatures && begin < given.signatures.size(); ++count) {
    const auto end = std::min(given.signatures.find(' ', begin), given.signatures.size());
    const std::string_view one(given.signatures.data() + begin, end - begin);
    if (!wanted.empty() && one.size() == wanted.size() &&
        CRYPTO_memcmp(one.data(), wanted.data(), wanted.size()) == 0)
      fits = true;
    begin = end + 1;
  }
  return fits;
}

}  // namespace reprise::signals
