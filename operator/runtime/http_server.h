// A small HTTP/1.1 server for health, metrics and webhooks, with a limit on everything that a
// stranger controls.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/http.h"
#include "base/result.h"
#include "base/time.h"
#include "runtime/runnable.h"
#include "runtime/server_tls.h"

namespace reprise::runtime {

struct HttpCall {
  std::string method, path, query;  // path without the query, as it was sent: not percent-decoded
  http::Headers headers;
  std::string body;
  std::string peer;  // IP address of the other end of the connection, which may be a proxy's

  std::string header(const std::string& name) const;  // without case; "" if none
};

struct HttpReply {
  int status = 200;
  std::string body;
  std::string contentType = "text/plain; charset=utf-8";
  http::Headers headers;  // more of them, e.g. Retry-After
  bool close = false;     // the connection ends with it: the next one may reach another replica
};

class HttpServer final : public Runnable {
 public:
  struct Options {
    std::string address = "0.0.0.0";
    std::uint16_t port = 0;  // 0 = any that is free; see port()
    std::size_t threads = 2;
    // For a whole request, or the next one of a kept connection; for the handshake of TLS.
    Milliseconds readLimit{10'000};
    Milliseconds writeLimit{10'000};
    std::uint32_t maxHeader = 16 << 10;  // bytes; else 431
    std::uint64_t maxBody = 1 << 20;     // bytes; else 413
    std::size_t maxConnections = 128;    // one more is closed at once
    std::shared_ptr<ServerTls> tls;      // null: plain HTTP
  };
  // Runs on a server thread, and holds it: a handler must be quick. An exception becomes a 500.
  using Handler = std::function<HttpReply(const HttpCall&)>;

  explicit HttpServer(Options options);
  ~HttpServer() override;

  // Before listen(). A path that ends with "/*" takes all below it; the exact and then the longest
  // one wins. GET also answers HEAD. An unknown path is a 404, an unknown method of a known path a
  // 405.
  void handle(const std::string& method, const std::string& path, Handler handler);

  // What would be answered, without a connection.
  HttpReply answer(const HttpCall& call) const;

  // Binds, so that a port that is taken is an error at start and not a log line.
  Expected<void> listen();
  std::uint16_t port() const;  // after listen()
  std::size_t connections() const;

  std::string name() const override { return "HTTP server"; }
  void start() override;  // after listen()
  bool stop() override;   // closes all connections

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace reprise::runtime
