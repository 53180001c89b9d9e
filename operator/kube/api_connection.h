// The way to one API server: its address, its certificates and our credentials, over a Transport.
// Safe from many threads.
//
// Certificates and the authority are read again every 5 minutes; where they changed, a new
// Transport is made, and the old one ends with its last request. A 401 makes the credentials be
// read again, and the request be sent once more: it was refused before anything was done. Nothing
// else is tried twice.
#pragma once

#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/http.h"
#include "base/result.h"
#include "base/time.h"
#include "kube/config.h"

namespace reprise::kube {

using Query = std::vector<std::pair<std::string, std::string>>;  // not yet encoded

// Percent-encodes all but RFC 3986's unreserved characters.
std::string encodeComponent(std::string_view text);

class ApiConnection {
 public:
  ApiConnection(Access access, http::TransportFactory factory,
                std::shared_ptr<const Clock> clock = std::make_shared<SystemClock>());

  // Any status is a response. The path begins with "/" and is encoded already. Errors have
  // InvalidArgument (credentials or certificates cannot be read: the message names the file),
  // Timeout, Cancelled, Unavailable, Internal.
  Expected<http::Response> send(const std::string& method, const std::string& path,
                                const Query& query = {}, const std::string& body = {},
                                const std::string& contentType = {},
                                Milliseconds deadline = Milliseconds{30'000},
                                std::stop_token stop = {});
  // Status 200. Others are read to their end and become the Error that they stand for.
  Expected<std::unique_ptr<http::ByteStream>> stream(const std::string& path, const Query& query,
                                                     Milliseconds idle, std::stop_token stop);

  const Access& access() const { return access_; }

 private:
  Expected<std::shared_ptr<http::Transport>> transport();
  // Where TLS failed the certificates may have been replaced: they are read again before the next
  // request.
  void doubtTls(const http::TransportError& error);
  Expected<http::Request> request(const std::string& method, const std::string& path,
                                  const Query& query);
  // The header changed: trying again makes sense.
  bool refreshed(const http::Request& refused, http::Request& again);

  const Access access_;
  const http::TransportFactory factory_;
  const std::shared_ptr<const Clock> clock_;
  std::mutex mutex_;
  std::shared_ptr<http::Transport> transport_;
  http::TlsOptions tls_;
  SteadyTime readAt_{};
};

}  // namespace reprise::kube
