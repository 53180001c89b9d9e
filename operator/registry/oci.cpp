#include "registry/oci.h"

#include <cctype>
#include <map>

#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "registry/image_reference.h"

namespace reprise::registry {
namespace {

constexpr auto kDeadline = std::chrono::seconds(15);
constexpr int kRedirects = 3;  // that are followed for one request
constexpr std::size_t kMaxManifest =
    4u << 20;  // the distribution specification's own advice for manifests

// An index first: its digest stands for all platforms, and the node chooses.
constexpr const char* kManifests =
    "application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json";

// "https://host:port" of "https://host:port/path".
std::string originOf(const std::string& url) {
  return url.substr(0, url.find('/', url.find("://") + 3));
}

bool isLoopback(const std::string& host) {
  return host.rfind("127.", 0) == 0 || host.rfind("localhost", 0) == 0 ||
         host.rfind("[::1]", 0) == 0;
}

// Docker Hub's registry does not live under its name.
std::string apiHost(const std::string& registry) {
  return registry == "docker.io" ? "registry-1.docker.io" : registry;
}

// Bearer realm="…",service="…",scope="…" (RFC 6750, section 3). By hand: std::regex recurses once a
// character, and a header of 60 KiB would overflow the stack.
std::map<std::string, std::string> parseChallenge(const std::string& text) {
  std::map<std::string, std::string> out;
  for (std::size_t at = 0;;) {
    const auto open = text.find("=\"", at);
    if (open == std::string::npos) return out;
    const auto close = text.find('"', open + 2);
    if (close == std::string::npos) return out;
    auto begin = open;
    while (begin > at && std::isalpha(static_cast<unsigned char>(text[begin - 1]))) --begin;
    if (begin < open)
      out[text.substr(begin, open - begin)] = text.substr(open + 2, close - open - 2);
    at = close + 1;
  }
}

std::string percentEncoded(const std::string& text) {
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string out;
  for (const unsigned char c : text) {
    if (std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~') {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += hex[c >> 4];
      out += hex[c & 15];
    }
  }
  return out;
}

Error statusError(int status, const std::string& image, const std::string& registry) {
  const std::string what = "spec.environment.image: '" + image + "': registry " + registry +
                           " answered " + std::to_string(status);
  if (status == 404)
    return {ErrorCode::NotFound,
            what + ": there is no such repository or tag; push the image, or mend the name",
            Sent::Yes,
            {}};
  if (status == 401 || status == 403) {
    return {ErrorCode::Forbidden,
            what +
                ": it wants credentials for the tag; name the image by digest (…@sha256:…), or let "
                "the registry be read without",
            Sent::Yes,
            {}};
  }
  if (status == 429)
    return {ErrorCode::TooManyRequests,
            what + ": too many requests; it is asked again later",
            Sent::Yes,
            {}};
  return {ErrorCode::Unavailable, what + "; it is asked again later", Sent::Yes, {}};
}

}  // namespace

OciRegistry::OciRegistry(std::shared_ptr<http::Transport> transport, std::set<std::string> insecure)
    : transport_(std::move(transport)), insecure_(std::move(insecure)) {}

Expected<std::string> OciRegistry::resolve(const std::string& image, std::stop_token stop) {
  auto reference = parseImageReference(image);
  if (!reference) return tl::unexpected(reference.error());
  if (!reference->digest.empty()) return reference->pinned(reference->digest);
  const std::string& host = reference->registry;
  const std::string scheme = isLoopback(host) || insecure_.count(host) ? "http://" : "https://";
  const std::string url =
      scheme + apiHost(host) + "/v2/" + reference->repository + "/manifests/" + reference->tag;
  auto response = ask(url, "HEAD", stop);
  if (!response) return tl::unexpected(response.error());
  std::string digest = response->header("Docker-Content-Digest");
  if (response->status == 200 &&
      digest.empty()) {  // the header is optional for HEAD: hash the manifest ourselves
    response = ask(url, "GET", stop);
    if (!response) return tl::unexpected(response.error());
    digest = "sha256:" + sha256Hex(response->body);
  }
  if (response->status != 200) return tl::unexpected(statusError(response->status, image, host));
  if (!isOciDigest(digest)) {
    return fail(ErrorCode::Unavailable, "spec.environment.image: '" + image + "': registry " +
                                            host + " answered with the digest '" + digest +
                                            "', which is not sha256");
  }
  return reference->pinned(digest);
}

Expected<http::Response> OciRegistry::ask(const std::string& url, const std::string& method,
                                          std::stop_token stop) {
  http::Request request{method, url, {{"Accept", kManifests}}, {}};
  auto response = follow(request, stop);
  if (!response || response->status != 401) return response;
  auto bearer = token(response->header("WWW-Authenticate"), stop);
  if (!bearer) return tl::unexpected(bearer.error());
  if (bearer->empty()) return std::move(*response);
  request.headers.emplace_back("Authorization", "Bearer " + *bearer);
  return follow(std::move(request), stop);
}

// Some registries only say where the manifest is. A token is for the host that it was asked for,
// and nobody is followed from TLS to plain HTTP.
Expected<http::Response> OciRegistry::follow(http::Request request, std::stop_token stop) {
  for (int left = kRedirects;; --left) {
    auto response = transport_->send(request, kDeadline, stop, kMaxManifest);
    if (!response) return tl::unexpected(http::toError(response.error()));
    const int status = response->status;
    if (status != 301 && status != 302 && status != 307 && status != 308)
      return std::move(*response);
    std::string next = response->header("Location");
    if (next.rfind('/', 0) == 0) next = originOf(request.url) + next;
    const bool followed = next.rfind("https://", 0) == 0 ||
                          (next.rfind("http://", 0) == 0 && request.url.rfind("http://", 0) == 0);
    if (left == 0 || !followed) return std::move(*response);
    if (originOf(next) != originOf(request.url))
      std::erase_if(request.headers, [](const auto& one) { return one.first == "Authorization"; });
    request.url = std::move(next);
  }
}

// An anonymous token, which public registries ask for.
Expected<std::string> OciRegistry::token(const std::string& challenge, std::stop_token stop) {
  if (challenge.rfind("Bearer ", 0) != 0) return std::string();
  auto fields = parseChallenge(challenge);
  if (fields["realm"].rfind("https://", 0) != 0) return std::string();
  const std::string url = fields["realm"] + "?service=" + percentEncoded(fields["service"]) +
                          "&scope=" + percentEncoded(fields["scope"]);
  auto response = transport_->send({"GET", url, {}, {}}, kDeadline, stop, kMaxManifest);
  if (!response) return tl::unexpected(http::toError(response.error()));
  const auto json = nlohmann::json::parse(response->body, nullptr, false);
  if (response->status != 200 || !json.is_object()) return std::string();
  for (const char* key : {"token", "access_token"}) {
    if (json.contains(key) && json[key].is_string()) return json[key].get<std::string>();
  }
  return std::string();
}

}  // namespace reprise::registry
