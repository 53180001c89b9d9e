// The seam to an HTTP library. Everything that speaks HTTP (the API client, registries, monitors)
// takes a Transport; no header of the library behind it is seen above. No retries, no credentials
// and no JSON inside.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "base/result.h"

namespace reprise::http {

using Headers = std::vector<std::pair<std::string, std::string>>;  // names compare without case

// The value of the first header of that name; "" if there is none.
std::string header(const Headers& headers, const std::string& name);

struct Request {
  std::string method = "GET";
  std::string url;  // absolute: scheme://host[:port]/path?query, percent-encoded
  Headers headers;
  std::string body;  // "" = none
};

struct Response {
  int status = 0;  // any: a 4xx is a response, not an error
  Headers headers;
  std::string body;

  std::string header(const std::string& name) const { return http::header(headers, name); }
};

struct TransportError {
  enum class Kind { Resolve, Connect, Tls, Timeout, Reset, Cancelled, Protocol, TooLarge };
  Kind kind = Kind::Protocol;
  Sent sent = Sent::No;  // whether the other side may have acted on it
  std::string message;
};

// As an Error of the layers above: Timeout, Cancelled, Unavailable, or Internal for Protocol and
// TooLarge.
Error toError(const TransportError& error);

// The body of a response as it arrives. One reader; cancel through the stop token that opened it.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  virtual int status() const = 0;
  virtual std::string header(const std::string& name) const = 0;
  // Blocks until there is at least one byte, the end (0), the idle time-out (Timeout), or the stop
  // (Cancelled).
  virtual tl::expected<std::size_t, TransportError> read(std::span<char> into) = 0;
  // Another idle time-out, from the next read on.
  virtual void setIdle(std::chrono::milliseconds idle) = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  // `deadline` is for the whole exchange. A response larger than `maxBytes` is TooLarge. Redirects
  // are answers and not followed. Safe from many threads.
  virtual tl::expected<Response, TransportError> send(const Request& request,
                                                      std::chrono::milliseconds deadline,
                                                      std::stop_token stop = {},
                                                      std::size_t maxBytes = std::size_t{256}
                                                                             << 20) = 0;
  // Returns once the headers are there, within `idle`; later each read waits at most `idle` for
  // bytes.
  virtual tl::expected<std::unique_ptr<ByteStream>, TransportError> openStream(
      const Request& request, std::chrono::milliseconds idle, std::stop_token stop = {}) = 0;
};

struct TlsOptions {
  std::string caPem;            // trusted; "" = the system's
  std::string certPem, keyPem;  // of this client; "" = none
  std::string
      serverName;  // expected in the certificate and sent as SNI, where the address says another
  bool insecureSkipVerify = false;

  bool operator==(const TlsOptions&) const = default;
};

// Another certificate authority or client certificate is another Transport: make a new one and drop
// the old one, whose connections end with it.
using TransportFactory = std::function<std::shared_ptr<Transport>(const TlsOptions&)>;

}  // namespace reprise::http
