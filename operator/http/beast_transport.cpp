#include "http/beast_transport.h"

#include <netinet/tcp.h>
#include <strings.h>

#include <limits>
#include <optional>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace reprise::http {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
namespace bhttp = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using Kind = TransportError::Kind;

constexpr std::uint32_t kMaxHeader = 64 * 1024;

// Not by SSL_CTX_set_default_verify_paths: see cpprest_transport.cpp, which may be in the same
// program.
void trustSystem(SSL_CTX* context) {
  SSL_CTX_set_default_verify_file(context);
  SSL_CTX_set_default_verify_dir(context);
  ERR_clear_error();
}

struct Url {
  bool encrypted = false;
  std::string host, port;  // host without brackets
  std::string authority;   // as it stands in the URL: for the header Host
  std::string target;
};

std::optional<Url> parseUrl(const std::string& text) {
  Url url;
  const auto scheme = text.find("://");
  if (scheme == std::string::npos) return std::nullopt;
  url.encrypted = text.compare(0, scheme, "https") == 0;
  if (!url.encrypted && text.compare(0, scheme, "http") != 0) return std::nullopt;
  const auto begin = scheme + 3, end = std::min(text.find_first_of("/?#", begin), text.size());
  url.authority = text.substr(begin, end - begin);
  const auto fragment = std::min(text.find('#', end), text.size());
  url.target = text.substr(end, fragment - end);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  // The colon of a port stands behind the bracket of an IPv6 address.
  const auto bracket = url.authority.find(']');
  const auto colon = url.authority.find(':', bracket == std::string::npos ? 0 : bracket);
  url.host = url.authority.substr(0, colon);
  url.port =
      colon == std::string::npos ? (url.encrypted ? "443" : "80") : url.authority.substr(colon + 1);
  if (url.host.starts_with('[') && url.host.ends_with(']'))
    url.host = url.host.substr(1, url.host.size() - 2);
  const bool digits = url.port.find_first_not_of("0123456789") == std::string::npos;
  if (url.host.empty() || url.port.empty() || url.port.size() > 5 || !digits ||
      std::stoi(url.port) > 65535)
    return std::nullopt;
  if (text.find_first_of(" \r\n\t") != std::string::npos) return std::nullopt;  // no second header
  return url;
}

std::optional<asio::ip::address> literal(const std::string& host) {
  error_code error;
  auto address = asio::ip::make_address(host, error);
  return error ? std::nullopt : std::optional(address);
}

// What all connections of a transport share.
struct Security {
  TlsOptions options;
  ssl::context context{ssl::context::tls_client};
  std::string unusable;  // why the certificates cannot be used; "" if they can
};

std::shared_ptr<Security> secure(TlsOptions options) {
  auto out = std::make_shared<Security>();
  out->options = std::move(options);
  const TlsOptions& tls = out->options;
  SSL_CTX_set_min_proto_version(out->context.native_handle(), TLS1_2_VERSION);
  error_code error;
  const auto failed = [&](const char* what) {
    if (error && out->unusable.empty())
      out->unusable = std::string(what) + " cannot be used: " + error.message();
  };
  if (tls.insecureSkipVerify) {
    out->context.set_verify_mode(ssl::verify_none, error);
  } else {
    out->context.set_verify_mode(ssl::verify_peer, error);
    if (tls.caPem.empty())
      trustSystem(out->context.native_handle());
    else
      out->context.add_certificate_authority(asio::buffer(tls.caPem), error);
  }
  failed("the certificate authority");
  if (!tls.certPem.empty()) {
    out->context.use_certificate_chain(asio::buffer(tls.certPem), error);
    failed("the client certificate");
    out->context.use_private_key(asio::buffer(tls.keyPem), ssl::context::pem, error);
    failed("the client key");
  }
  return out;
}

// The certificate must be for `host`; its CN says nothing.
void expectHost(SSL* connection, const std::string& host) {
  if (literal(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(connection), host.c_str());
    return;
  }
  SSL_set_hostflags(connection,
                    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  SSL_set1_host(connection, host.c_str());
}

// A half-open connection is noticed by nobody else while a stream is silent.
void keepAlive(tcp::socket& socket) {
  const int on = 1, idle = 15, interval = 5, count = 3, unacknowledgedMs = 30'000;
  const int fd = socket.native_handle();
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledgedMs, sizeof unacknowledgedMs);
}

bhttp::request<bhttp::string_body> messageOf(const Request& request, const Url& url) {
  bhttp::request<bhttp::string_body> out;
  out.version(11);
  out.method_string(request.method);
  out.target(url.target);
  out.set(bhttp::field::host, url.authority);
  out.set(bhttp::field::connection, "close");
  if (!request.body.empty()) out.set(bhttp::field::content_type, "application/json");
  for (const auto& [name, value] : request.headers) out.set(name, value);
  out.body() = request.body;
  out.prepare_payload();
  return out;
}

// One connection with one request on it. All of it happens on the thread that calls; only the stop
// comes from elsewhere, as a posted handler.
class Exchange {
 public:
  Exchange(std::shared_ptr<Security> security, const Request& request, std::stop_token stop,
           std::optional<std::uint64_t> maxBytes)
      : security_(std::move(security)), name_(request.url), stop_(stop) {
    parser_.header_limit(kMaxHeader);
    // boost::none, the way to say "no limit", refuses each body with a length in Boost 1.74.
    parser_.body_limit(maxBytes.value_or(std::numeric_limits<std::uint64_t>::max()));
    if (request.method == "HEAD") parser_.skip(true);
    onStop_.emplace(std::move(stop), [this] { asio::post(io_, [this] { giveUp(); }); });
  }

  // Until status and headers are there.
  tl::expected<void, TransportError> begin(const Request& request, Clock::time_point until) {
    const auto url = parseUrl(request.url);
    if (!url)
      return tl::unexpected(
          TransportError{Kind::Protocol, Sent::No, name_ + ": is not an http or https URL"});
    if (auto connected = connect(*url, until); !connected) return connected;
    if (url->encrypted) {
      if (auto shaken = handshake(*url, until); !shaken) return shaken;
    }
    const auto message = messageOf(request, *url);
    auto error = run(until, [&](auto done) {
      onStream([&](auto& stream) { bhttp::async_write(stream, message, done); });
    });
    if (error) return failed(Kind::Reset, Sent::Maybe, error);
    error = run(until, [&](auto done) {
      onStream([&](auto& stream) { bhttp::async_read_header(stream, buffer_, parser_, done); });
    });
    if (error) return failed(Kind::Reset, Sent::Maybe, error);
    return {};
  }

  // At least one byte, or 0 at the end.
  tl::expected<std::size_t, TransportError> read(std::span<char> into, Clock::time_point until) {
    while (!parser_.is_done()) {
      auto& body = parser_.get().body();
      body.data = into.data();
      body.size = into.size();
      const auto error = run(until, [&](auto done) {
        onStream([&](auto& stream) { bhttp::async_read_some(stream, buffer_, parser_, done); });
      });
      if (error && error != bhttp::error::need_buffer) {
        return failed(Kind::Reset, Sent::Yes, error);
      }
      if (const std::size_t size = into.size() - body.size; size > 0) return size;
    }
    return 0;
  }

  const bhttp::response_header<>& head() const { return parser_.get().base(); }

 private:
  template <class Use>
  void onStream(Use use) {
    if (tls_)
      use(*tls_);
    else
      use(socket_);
  }

  // Starts an operation and waits for its end, the deadline or the stop. The operation has ended
  // when this returns: its buffers are the caller's again.
  template <class Start>
  error_code run(Clock::time_point until, Start start) {
    std::optional<error_code> result;
    io_.restart();
    if (!stopped_ && !stop_.stop_requested())
      start([&result](error_code error, const auto&...) { result = error; });
    else
      result = error_code(asio::error::operation_aborted);
    while (!result && !late_) {
      if (io_.run_one_until(until) == 0 && Clock::now() >= until) late_ = true;
    }
    if (late_) giveUp();
    while (!result) io_.run_one();
    return *result;
  }

  void giveUp() {
    stopped_ = true;
    error_code ignored;
    resolver_.cancel();
    socket_.close(ignored);
  }

  tl::unexpected<TransportError> failed(Kind kind, Sent sent, error_code error) const {
    if (late_)
      return tl::unexpected(TransportError{Kind::Timeout, sent, name_ + ": no answer in time"});
    if (stop_.stop_requested())
      return tl::unexpected(TransportError{Kind::Cancelled, sent, name_ + ": cancelled"});
    if (error == bhttp::error::body_limit)
      return tl::unexpected(
          TransportError{Kind::TooLarge, Sent::Yes, name_ + ": the response is larger than asked"});
    const bool http = error.category() == bhttp::make_error_code(bhttp::error{}).category();
    const bool cut = error == bhttp::error::end_of_stream || error == bhttp::error::partial_message;
    if (http && !cut) kind = Kind::Protocol;
    return tl::unexpected(TransportError{
        kind, sent, name_ + ": " + (cut ? "the connection was closed" : error.message())});
  }

  tl::expected<void, TransportError> connect(const Url& url, Clock::time_point until) {
    std::vector<tcp::endpoint> ends;
    if (const auto address = literal(url.host)) {
      ends.emplace_back(*address, static_cast<unsigned short>(std::stoi(url.port)));
    } else {
      const auto error = run(until, [&](auto done) {
        resolver_.async_resolve(url.host, url.port, tcp::resolver::numeric_service,
                                [&ends, done](error_code e, const auto& found) mutable {
                                  for (const auto& one : found) ends.push_back(one.endpoint());
                                  done(e);
                                });
      });
      if (error) return failed(Kind::Resolve, Sent::No, error);
    }
    const auto error =
        run(until, [&](auto done) { asio::async_connect(socket_, ends, std::move(done)); });
    if (error) return failed(Kind::Connect, Sent::No, error);
    keepAlive(socket_);
    return {};
  }

  tl::expected<void, TransportError> handshake(const Url& url, Clock::time_point until) {
    if (!security_->unusable.empty())
      return tl::unexpected(
          TransportError{Kind::Tls, Sent::No, name_ + ": " + security_->unusable});
    const std::string& given = security_->options.serverName;
    const std::string host = given.empty() ? url.host : given;
    tls_.emplace(socket_, security_->context);
    SSL* connection = tls_->native_handle();
    // A strict server refuses an address as SNI.
    if (!literal(host)) SSL_set_tlsext_host_name(connection, host.c_str());
    if (!security_->options.insecureSkipVerify) expectHost(connection, host);
    const auto error =
        run(until, [&](auto done) { tls_->async_handshake(ssl::stream_base::client, done); });
    if (!error) return {};
    auto out = failed(Kind::Tls, Sent::No, error);
    if (const long why = SSL_get_verify_result(connection); why != X509_V_OK)
      out.value().message += std::string(" (") + X509_verify_cert_error_string(why) + ")";
    return out;
  }

  const std::shared_ptr<Security> security_;
  const std::string name_;
  asio::io_context io_{1};
  tcp::resolver resolver_{io_};
  tcp::socket socket_{io_};
  std::optional<ssl::stream<tcp::socket&>> tls_;
  boost::beast::flat_buffer buffer_;
  bhttp::response_parser<bhttp::buffer_body> parser_;
  bool late_ = false, stopped_ = false;
  const std::stop_token stop_;
  std::optional<std::stop_callback<std::function<void()>>> onStop_;  // last: it uses the others
};

class BeastStream final : public ByteStream {
 public:
  BeastStream(std::unique_ptr<Exchange> exchange, std::chrono::milliseconds idle)
      : exchange_(std::move(exchange)), idle_(idle) {}
  int status() const override { return static_cast<int>(exchange_->head().result_int()); }
  std::string header(const std::string& name) const override {
    return std::string(exchange_->head()[name]);
  }
  tl::expected<std::size_t, TransportError> read(std::span<char> into) override {
    return exchange_->read(into, Clock::now() + idle_);
  }
  void setIdle(std::chrono::milliseconds idle) override { idle_ = idle; }

 private:
  std::unique_ptr<Exchange> exchange_;
  std::chrono::milliseconds idle_;
};

class BeastTransport final : public Transport {
 public:
  explicit BeastTransport(TlsOptions tls) : security_(secure(std::move(tls))) {}

  tl::expected<Response, TransportError> send(const Request& request,
                                              std::chrono::milliseconds deadline,
                                              std::stop_token stop, std::size_t maxBytes) override {
    const auto until = Clock::now() + deadline;
    Exchange exchange(security_, request, std::move(stop), maxBytes);
    if (auto begun = exchange.begin(request, until); !begun) return tl::unexpected(begun.error());
    Response out;
    out.status = static_cast<int>(exchange.head().result_int());
    for (const auto& field : exchange.head())
      out.headers.emplace_back(field.name_string(), field.value());
    std::vector<char> chunk(64 * 1024);
    for (;;) {
      auto size = exchange.read(chunk, until);
      if (!size) return tl::unexpected(size.error());
      if (*size == 0) return out;
      out.body.append(chunk.data(), *size);
    }
  }

  tl::expected<std::unique_ptr<ByteStream>, TransportError> openStream(
      const Request& request, std::chrono::milliseconds idle, std::stop_token stop) override {
    auto exchange = std::make_unique<Exchange>(security_, request, std::move(stop), std::nullopt);
    if (auto begun = exchange->begin(request, Clock::now() + idle); !begun)
      return tl::unexpected(begun.error());
    return std::make_unique<BeastStream>(std::move(exchange), idle);
  }

 private:
  const std::shared_ptr<Security> security_;
};

}  // namespace

std::shared_ptr<Transport> makeBeastTransport(TlsOptions tls) {
  return std::make_shared<BeastTransport>(std::move(tls));
}

}  // namespace reprise::http
