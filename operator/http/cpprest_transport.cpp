#include "http/cpprest_transport.h"

#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>

#include <algorithm>
#include <future>
#include <map>
#include <mutex>

#include <dlfcn.h>
#include <netdb.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cpprest/http_client.h>
#include <cpprest/streams.h>
#include <pplx/threadpool.h>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>

#include "http/at_once.h"
#include "http/request_body.h"
#include "http/response_sink.h"

namespace reprise::http {
namespace {

// Of a URL, where IPv6 stands in brackets, without them.
std::string bare(const std::string& host) {
  return host.starts_with('[') && host.ends_with(']') ? host.substr(1, host.size() - 2) : host;
}

}  // namespace
}  // namespace reprise::http

// In the place of OpenSSL's own, which the library calls for each new connection before we are
// asked: it parses all of the system's authorities, some 25 ms of CPU, also where ours replace
// them. It holds for the whole program: who needs the system's calls what trustSystem() calls.
extern "C" __attribute__((visibility("default"))) int SSL_CTX_set_default_verify_paths(SSL_CTX*) {
  return 1;
}

// In the place of the C library's own, for the whole program as well: the library asks for a host
// as it stands in its URL, which is in brackets where it is an address of IPv6. No resolver knows
// those. Everything else is as it was.
extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints,
                           addrinfo** found) {
  static const auto original =
      reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
  if (!host || *host != '[') return original(host, service, hints, found);
  return original(reprise::http::bare(host).c_str(), service, hints, found);
}

namespace reprise::http {
namespace {

namespace rest = web::http;
using Clock = std::chrono::steady_clock;
using Kind = TransportError::Kind;

// Waits on this thread, never on the library's pool, whose timers would starve. True once the task
// is done.
template <class T>
bool doneBy(pplx::task<T> task, Clock::time_point until) {
  auto promise = std::make_shared<std::promise<void>>();
  auto future = promise->get_future();
  task.then(
      [promise](pplx::task<T> finished) {
        try {
          finished.wait();
        } catch (...) {  // an exception that nobody looks at ends the process
        }
        promise->set_value();
      },
      AtOnce::option());
  return future.wait_until(until) == std::future_status::ready;
}

using Address = boost::asio::ip::address;

// Nothing of a name.
std::optional<Address> addressOf(const std::string& host) {
  boost::system::error_code error;
  const Address address = boost::asio::ip::make_address(host, error);
  return error ? std::nullopt : std::optional(address);
}

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
std::unique_ptr<BIO, BioFree> bio(const std::string& pem) {
  return std::unique_ptr<BIO, BioFree>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// Replaces the store: the library has loaded the system's authorities before it asks us.
void trust(SSL_CTX* context, const std::string& pem) {
  X509_STORE* store = X509_STORE_new();
  auto source = bio(pem);
  while (X509* certificate = PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr)) {
    X509_STORE_add_cert(store, certificate);
    X509_free(certificate);
  }
  ERR_clear_error();
  SSL_CTX_set_cert_store(context, store);
}

void trustSystem(SSL_CTX* context) {
  SSL_CTX_set_default_verify_file(context);
  SSL_CTX_set_default_verify_dir(context);
  ERR_clear_error();
}

void present(SSL_CTX* context, const TlsOptions& tls) {
  auto source = bio(tls.certPem);
  bool first = true;
  while (X509* certificate = PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr)) {
    if (first)
      SSL_CTX_use_certificate(context, certificate);
    else
      SSL_CTX_add1_chain_cert(context, certificate);
    first = false;
    X509_free(certificate);
  }
  auto keySource = bio(tls.keyPem);
  if (EVP_PKEY* key = PEM_read_bio_PrivateKey(keySource.get(), nullptr, nullptr, nullptr)) {
    SSL_CTX_use_PrivateKey(context, key);
    EVP_PKEY_free(key);
  }
  ERR_clear_error();
}

// The library takes a certificate without names for the host in its CN: so OpenSSL looks too.
void expectHost(SSL_CTX* context, const std::string& host) {
  X509_VERIFY_PARAM* expected = SSL_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (addressOf(host))
    X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str());
  else
    X509_VERIFY_PARAM_set1_host(expected, host.c_str(), host.size());
}

// Why a certificate was refused last: the library says "Error in SSL handshake" and no more.
class Refusal {
 public:
  void set(std::string why) {
    std::lock_guard lock(mutex_);
    why_ = std::move(why);
  }
  std::string get() const {
    std::lock_guard lock(mutex_);
    return why_;
  }

 private:
  mutable std::mutex mutex_;
  std::string why_;
};

int verify(X509_STORE_CTX* chain, void* refusal) {
  const int good = X509_verify_cert(chain);
  static_cast<Refusal*>(refusal)->set(
      good > 0 ? "" : X509_verify_cert_error_string(X509_STORE_CTX_get_error(chain)));
  return good;
}

// The context keeps it: contexts end when the library likes.
void rememberRefusals(SSL_CTX* context, const std::shared_ptr<Refusal>& refusal) {
  using Kept = std::shared_ptr<Refusal>;
  static const int slot = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* kept, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<Kept*>(kept);
      });
  SSL_CTX_set_ex_data(context, slot, new Kept(refusal));
  SSL_CTX_set_cert_verify_callback(context, verify, refusal.get());
}

// HTTP/1.1 has no ping: without these a half-open connection is noticed by nobody. The library
// hands out a socket before it connects, and again with each later request: of the first request,
// which may be a watch for hours, they are in force only where the socket is opened here. That
// needs the family, so it is done for addresses; of a name the library tries one after the other.
void keepAlive(boost::asio::ip::tcp::socket::lowest_layer_type& socket,
               const std::optional<Address>& peer) {
  if (!socket.is_open()) {
    if (!peer) return;
    boost::system::error_code error;
    socket.open(peer->is_v6() ? boost::asio::ip::tcp::v6() : boost::asio::ip::tcp::v4(), error);
    if (error) return;  // the library will say why
  }
  const int fd = socket.native_handle();
  const int on = 1, idle = 15, interval = 5, count = 3, unacknowledgedMs = 30'000;
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledgedMs, sizeof unacknowledgedMs);
}

// Whose name the server's certificate must have.
std::string expectedHost(const web::uri& uri, const std::string& serverName) {
  return serverName.empty() ? bare(uri.host()) : serverName;
}

rest::client::http_client_config configure(const TlsOptions& tls, const web::uri& uri,
                                           const std::shared_ptr<Refusal>& refusal) {
  rest::client::http_client_config config;
  // Only a net under our own deadlines: it is re-armed by each read, so it could not be one itself.
  config.set_timeout(std::chrono::hours(1));
  config.set_max_redirects(0);  // it would show the token to whoever the answer names
  config.set_validate_certificates(!tls.insecureSkipVerify);
  // A strict server refuses an IP address as SNI.
  const std::string host = expectedHost(uri, tls.serverName);
  config.set_tlsext_sni_enabled(!addressOf(host));
  config.set_ssl_context_callback([tls, host, refusal](boost::asio::ssl::context& context) {
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
    if (tls.caPem.empty())
      trustSystem(context.native_handle());
    else
      trust(context.native_handle(), tls.caPem);
    if (!tls.certPem.empty()) present(context.native_handle(), tls);
    if (!tls.insecureSkipVerify) expectHost(context.native_handle(), host);
    rememberRefusals(context.native_handle(), refusal);
  });
  const bool encrypted = uri.scheme() == "https";
  config.set_nativehandle_options(
      [encrypted, peer = addressOf(bare(uri.host()))](rest::client::native_handle handle) {
        using Socket = boost::asio::ip::tcp::socket;
        if (encrypted)
          keepAlive(static_cast<boost::asio::ssl::stream<Socket&>*>(handle)->lowest_layer(), peer);
        else
          keepAlive(static_cast<Socket*>(handle)->lowest_layer(), peer);
      });
  return config;
}

// The library's codes are unreliable; its words are not.
TransportError describe(const std::exception& error, const std::string& url) {
  const std::string what = error.what();
  const auto has = [&](const char* part) { return what.find(part) != std::string::npos; };
  TransportError out{Kind::Reset, Sent::Maybe, url + ": " + what};
  if (has("resolving"))
    out = {Kind::Resolve, Sent::No, out.message};
  else if (has("Failed to connect"))
    out = {Kind::Connect, Sent::No, out.message};
  else if (has("SSL handshake") || has("certificate"))
    out = {Kind::Tls, Sent::No, out.message};
  return out;
}

// One exchange on its way: the request, its cancellation, and the bytes of the response as they
// come.
class Exchange {
 public:
  Exchange(std::shared_ptr<rest::client::http_client> client, const Request& request,
           std::stop_token stop, const std::string& serverName,
           std::shared_ptr<const Refusal> refusal)
      : client_(std::move(client)),
        refusal_(std::move(refusal)),
        url_(request.url),
        stopped_(stop),
        onStop_(stop, [this] { cancel(); }) {
    const web::uri uri(request.url);
    rest::http_request message(request.method);
    message.set_request_uri(uri.resource());
    for (const auto& [name, value] : request.headers) message.headers()[name] = value;
    // What the library verifies the certificate against: it does not know an address in brackets.
    const std::string host = expectedHost(uri, serverName);
    if (!serverName.empty() || host != uri.host()) message.headers()["Host"] = host;
    if (!request.body.empty()) attachBody(message, request);
    message.set_response_stream(concurrency::streams::ostream(
        concurrency::streams::streambuf<uint8_t>(std::shared_ptr<Base>(sink_))));
    response_ = client_->request(message, source_.get_token());
  }

  ~Exchange() {
    cancel();
    // The end of it, before what it was sent with: cancelling closes the socket, so it comes.
    if (closed_) closed_->wait();
  }

  // Waits for status and headers.
  tl::expected<void, TransportError> headers(Clock::time_point until) {
    if (!doneBy(response_, until)) return tl::unexpected(giveUp());
    try {
      message_ = response_.get();
    } catch (const std::exception& error) {
      return tl::unexpected(failure(error));
    }
    watchEnd();
    return {};
  }

  const rest::http_response& message() const { return message_; }

  // At least one byte, or 0 at the end.
  tl::expected<std::size_t, TransportError> read(std::span<char> into, Clock::time_point until) {
    return came(sink_->read(into, until));
  }
  // The same, of all that is there.
  tl::expected<std::size_t, TransportError> take(std::string& into, Clock::time_point until) {
    return came(sink_->take(into, until));
  }

  TransportError giveUp() {
    cancel();
    if (stopped_.stop_requested()) return {Kind::Cancelled, Sent::Maybe, url_ + ": cancelled"};
    return {Kind::Timeout, Sent::Maybe, url_ + ": no answer in time"};
  }

 private:
  using Base = concurrency::streams::details::basic_streambuf<uint8_t>;

  void cancel() {
    source_.cancel();
    sink_->abandon();  // the library sees a closed socket only once it reads on
  }

  tl::expected<std::size_t, TransportError> came(std::optional<std::size_t> size) {
    if (!size) return tl::unexpected(giveUp());
    return *size == 0 ? endOfBody() : tl::expected<std::size_t, TransportError>(*size);
  }

  // The library reads it from its own threads, also after we have given up, and keeps it so long.
  static void attachBody(rest::http_request& message, const Request& request) {
    const auto body = std::make_shared<RequestBody>(request.body);
    std::string type = "application/json";
    for (const auto& [name, value] : request.headers) {
      if (strcasecmp(name.c_str(), "content-type") == 0) type = value;
    }
    message.set_body(concurrency::streams::istream(
                         concurrency::streams::streambuf<uint8_t>(std::shared_ptr<Base>(body))),
                     body->size(), type);
  }

  // The library leaves the stream open when a connection fails: a reader would wait for ever.
  void watchEnd() {
    auto closed = std::make_shared<std::promise<void>>();
    closed_ = closed->get_future();
    message_.content_ready().then(
        [sink = sink_, closed](pplx::task<rest::http_response> finished) {
          std::exception_ptr error;
          try {
            finished.get();
          } catch (...) {
            error = std::current_exception();
          }
          sink->finish(error);
          closed->set_value();
        },
        AtOnce::option());
  }

  tl::expected<std::size_t, TransportError> endOfBody() {
    const std::exception_ptr error = sink_->error();
    if (!error) return 0;
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& thrown) {
      return tl::unexpected(failure(thrown));
    }
  }

  TransportError failure(const std::exception& error) {
    if (stopped_.stop_requested()) return {Kind::Cancelled, Sent::Maybe, url_ + ": cancelled"};
    TransportError out = describe(error, url_);
    const std::string why = out.kind == Kind::Tls ? refusal_->get() : "";
    if (!why.empty()) out.message += ": the server's certificate is refused: " + why;
    return out;
  }

  std::shared_ptr<rest::client::http_client> client_;
  std::shared_ptr<const Refusal> refusal_;
  std::string url_;
  std::stop_token stopped_;
  pplx::cancellation_token_source source_;
  const std::shared_ptr<ResponseSink> sink_ = std::make_shared<ResponseSink>();
  std::stop_callback<std::function<void()>> onStop_;
  pplx::task<rest::http_response> response_;
  rest::http_response message_;
  std::optional<std::future<void>> closed_;
};

class CpprestStream final : public ByteStream {
 public:
  CpprestStream(std::unique_ptr<Exchange> exchange, std::chrono::milliseconds idle)
      : exchange_(std::move(exchange)), idle_(idle) {}
  int status() const override { return exchange_->message().status_code(); }
  std::string header(const std::string& name) const override {
    const auto& headers = exchange_->message().headers();
    const auto it = headers.find(name);
    return it == headers.end() ? std::string() : it->second;
  }
  tl::expected<std::size_t, TransportError> read(std::span<char> into) override {
    return exchange_->read(into, Clock::now() + idle_);
  }
  void setIdle(std::chrono::milliseconds idle) override { idle_ = idle; }

 private:
  std::unique_ptr<Exchange> exchange_;
  std::chrono::milliseconds idle_;
};

class CpprestTransport final : public Transport {
 public:
  explicit CpprestTransport(TlsOptions tls) : tls_(std::move(tls)) {}

  tl::expected<Response, TransportError> send(const Request& request,
                                              std::chrono::milliseconds deadline,
                                              std::stop_token stop, std::size_t maxBytes) override {
    const auto until = Clock::now() + deadline;
    auto exchange = begin(request, stop, true);
    if (!exchange) return tl::unexpected(exchange.error());
    if (auto got = (*exchange)->headers(until); !got) return tl::unexpected(got.error());
    Response out;
    out.status = (*exchange)->message().status_code();
    for (const auto& [name, value] : (*exchange)->message().headers())
      out.headers.emplace_back(name, value);
    for (;;) {
      const auto size = (*exchange)->take(out.body, until);
      if (!size) return tl::unexpected(size.error());
      if (*size == 0) return out;
      if (out.body.size() > maxBytes) {
        return tl::unexpected(TransportError{
            Kind::TooLarge, Sent::Yes,
            request.url + ": the response has more than " + std::to_string(maxBytes) + " bytes"});
      }
    }
  }

  tl::expected<std::unique_ptr<ByteStream>, TransportError> openStream(
      const Request& request, std::chrono::milliseconds idle, std::stop_token stop) override {
    auto exchange = begin(request, stop, false);  // a connection of its own
    if (!exchange) return tl::unexpected(exchange.error());
    if (auto got = (*exchange)->headers(Clock::now() + idle); !got)
      return tl::unexpected(got.error());
    return std::make_unique<CpprestStream>(std::move(*exchange), idle);
  }

 private:
  tl::expected<std::unique_ptr<Exchange>, TransportError> begin(const Request& request,
                                                                std::stop_token stop, bool pooled) {
    if (stop.stop_requested())
      return tl::unexpected(TransportError{Kind::Cancelled, Sent::No, request.url + ": cancelled"});
    try {
      return std::make_unique<Exchange>(client(web::uri(request.url), pooled), request, stop,
                                        tls_.serverName, refusal_);
    } catch (const std::exception& error) {
      return tl::unexpected(
          TransportError{Kind::Protocol, Sent::No, request.url + ": " + error.what()});
    }
  }

  std::shared_ptr<rest::client::http_client> client(const web::uri& uri, bool pooled) {
    if (!pooled)
      return std::make_shared<rest::client::http_client>(uri.authority(),
                                                         configure(tls_, uri, refusal_));
    std::lock_guard lock(mutex_);
    auto& known = clients_[uri.authority().to_string()];
    if (!known)
      known = std::make_shared<rest::client::http_client>(uri.authority(),
                                                          configure(tls_, uri, refusal_));
    auto out = known;
    // Pods come and go: hosts are not collected for ever.
    if (clients_.size() > 256) clients_.clear();
    return out;
  }

  TlsOptions tls_;
  const std::shared_ptr<Refusal> refusal_ = std::make_shared<Refusal>();
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<rest::client::http_client>> clients_;
};

}  // namespace

void initialiseCpprest() {
  // A pool thread may free an SSL_CTX while the process' exit handlers clean up OpenSSL.
  OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);
  crossplat::threadpool::initialize_with_threads(4);
}

std::shared_ptr<Transport> makeCpprestTransport(TlsOptions tls) {
  return std::make_shared<CpprestTransport>(std::move(tls));
}

}  // namespace reprise::http
