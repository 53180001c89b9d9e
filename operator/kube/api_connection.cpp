#include "kube/api_connection.h"

#include <spdlog/spdlog.h>

#include "kube/status.h"

namespace reprise::kube {
namespace {

constexpr auto kTlsEvery = std::chrono::minutes(5);
constexpr std::size_t kErrorBody = std::size_t{1} << 20;

std::string authorizationOf(const http::Request& request) {
  for (const auto& [name, value] : request.headers) {
    if (name == "Authorization") return value;
  }
  return {};
}

// The body of a stream that is a refusal.
http::Response drain(http::ByteStream& stream) {
  http::Response out;
  out.status = stream.status();
  for (const char* name : {"Retry-After"}) {
    if (const std::string value = stream.header(name); !value.empty())
      out.headers.emplace_back(name, value);
  }
  char chunk[4096];
  while (out.body.size() < kErrorBody) {
    const auto size = stream.read(chunk);
    if (!size || *size == 0) break;
    out.body.append(chunk, *size);
  }
  return out;
}

}  // namespace

std::string encodeComponent(std::string_view text) {
  static const char* digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain)
      out += c;
    else
      out.append({'%', digits[byte >> 4], digits[byte & 15]});
  }
  return out;
}

ApiConnection::ApiConnection(Access access, http::TransportFactory factory,
                             std::shared_ptr<const Clock> clock)
    : access_(std::move(access)), factory_(std::move(factory)), clock_(std::move(clock)) {}

Expected<std::shared_ptr<http::Transport>> ApiConnection::transport() {
  std::lock_guard lock(mutex_);
  const SteadyTime now = clock_->steady();
  auto given = access_.credentials->certificate();
  if (!given) return tl::unexpected(given.error());
  const bool other = !given->first.empty() && given->first != tls_.certPem;
  if (transport_ && !other && now - readAt_ < kTlsEvery) return transport_;
  auto tls = access_.tls();
  readAt_ = now;
  if (!tls) {
    if (!transport_) return tl::unexpected(tls.error());
    spdlog::warn("the certificates in use are kept: {}",
                 tls.error().message);  // they are being replaced, perhaps
    return transport_;
  }
  if (!given->first.empty()) std::tie(tls->certPem, tls->keyPem) = *given;
  if (transport_ && *tls == tls_) return transport_;
  if (transport_)
    spdlog::info("certificates of {} have changed: new connections use them", access_.server);
  tls_ = std::move(*tls);
  transport_ = factory_(tls_);
  return transport_;
}

void ApiConnection::doubtTls(const http::TransportError& error) {
  if (error.kind != http::TransportError::Kind::Tls) return;
  std::lock_guard lock(mutex_);
  readAt_ = clock_->steady() - kTlsEvery;
}

Expected<http::Request> ApiConnection::request(const std::string& method, const std::string& path,
                                               const Query& query) {
  http::Request out;
  out.method = method;
  out.url = access_.server + path;
  char separator = '?';
  for (const auto& [name, value] : query) {
    out.url += separator + encodeComponent(name) + "=" + encodeComponent(value);
    separator = '&';
  }
  out.headers = {{"Accept", "application/json"}, {"User-Agent", "reprise"}};
  auto header = access_.credentials->authorization();
  if (!header) return tl::unexpected(header.error());
  if (!header->empty()) out.headers.emplace_back("Authorization", *header);
  return out;
}

bool ApiConnection::refreshed(const http::Request& refused, http::Request& again) {
  const std::string old = authorizationOf(refused);
  access_.credentials->refused(old);
  const auto header = access_.credentials->authorization();
  if (!header || header->empty() || *header == old) return false;
  again = refused;
  std::erase_if(again.headers, [](const auto& one) { return one.first == "Authorization"; });
  again.headers.emplace_back("Authorization", *header);
  return true;
}

Expected<http::Response> ApiConnection::send(const std::string& method, const std::string& path,
                                             const Query& query, const std::string& body,
                                             const std::string& contentType, Milliseconds deadline,
                                             std::stop_token stop) {
  auto message = request(method, path, query);
  if (!message) return tl::unexpected(message.error());
  message->body = body;
  if (!contentType.empty()) message->headers.emplace_back("Content-Type", contentType);
  auto way = transport();
  if (!way) return tl::unexpected(way.error());
  auto response = (*way)->send(*message, deadline, stop);
  http::Request again;
  if (response && response->status == 401 && refreshed(*message, again)) {
    if (auto newWay = transport()) way = std::move(newWay);
    response = (*way)->send(again, deadline, stop);
  }
  if (!response) {
    doubtTls(response.error());
    return tl::unexpected(http::toError(response.error()));
  }
  return std::move(*response);
}

Expected<std::unique_ptr<http::ByteStream>> ApiConnection::stream(const std::string& path,
                                                                  const Query& query,
                                                                  Milliseconds idle,
                                                                  std::stop_token stop) {
  auto message = request("GET", path, query);
  if (!message) return tl::unexpected(message.error());
  auto way = transport();
  if (!way) return tl::unexpected(way.error());
  auto opened = (*way)->openStream(*message, idle, stop);
  http::Request again;
  if (opened && (*opened)->status() == 401 && refreshed(*message, again)) {
    if (auto newWay = transport()) way = std::move(newWay);
    opened = (*way)->openStream(again, idle, stop);
  }
  if (!opened) {
    doubtTls(opened.error());
    return tl::unexpected(http::toError(opened.error()));
  }
  if ((*opened)->status() != 200) return tl::unexpected(toError(drain(**opened), "watch " + path));
  return std::move(*opened);
}

}  // namespace reprise::kube
