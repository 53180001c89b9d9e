#include "runtime/http_server.h"

#include <strings.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <spdlog/spdlog.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "runtime/http_routes.h"

namespace reprise::runtime {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

std::string HttpCall::header(const std::string& name) const {
  for (const auto& [key, value] : headers) {
    if (strcasecmp(key.c_str(), name.c_str()) == 0) return value;
  }
  return {};
}

namespace {

// What a session needs of the server; outlives every session, as they hold it.
struct Shared {
  HttpServer::Options options;
  HttpRoutes routes;
  std::atomic<std::size_t> connections = 0;
};

using Secure = asio::ssl::stream<beast::tcp_stream>;

// One connection, plain or of TLS. Kept alive by the operation that is under way; each has a time
// limit, so each ends.
template <class Stream>
class Session : public std::enable_shared_from_this<Session<Stream>> {
  static constexpr bool kSecure = std::is_same_v<Stream, Secure>;

 public:
  // `context`: of TLS, else null.
  Session(tcp::socket socket, std::shared_ptr<Shared> shared,
          std::shared_ptr<asio::ssl::context> context)
      : context_(std::move(context)),
        stream_(streamOf(std::move(socket))),
        shared_(std::move(shared)) {}
  ~Session() { --shared_->connections; }

  void begin() {
    if constexpr (kSecure) {
      transport().expires_after(shared_->options.readLimit);
      stream_.async_handshake(
          asio::ssl::stream_base::server,
          beast::bind_front_handler(&Session::onHandshake, this->shared_from_this()));
    } else {
      read();
    }
  }

  auto executor() { return stream_.get_executor(); }

  void read() {
    parser_.emplace();
    parser_->header_limit(shared_->options.maxHeader);
    parser_->body_limit(shared_->options.maxBody);
    // For the whole request: bytes that trickle in do not prolong it.
    transport().expires_after(shared_->options.readLimit);
    bhttp::async_read(stream_, buffer_, *parser_,
                      beast::bind_front_handler(&Session::onRead, this->shared_from_this()));
  }

 private:
  Stream streamOf(tcp::socket socket) {
    if constexpr (kSecure)
      return Stream(std::move(socket), *context_);
    else
      return Stream(std::move(socket));
  }

  beast::tcp_stream& transport() { return beast::get_lowest_layer(stream_); }

  void onHandshake(error_code error) {
    if (!error) read();
  }

  void onRead(error_code error, std::size_t) {
    if (error == bhttp::error::end_of_stream || error == beast::error::timeout) return close();
    if (error == bhttp::error::header_limit)
      return reply({431, "the header is too large\n"}, 11, false, false);
    if (error == bhttp::error::body_limit)
      return reply({413, "the body is too large\n"}, 11, false, false);
    if (error.category() == bhttp::make_error_code(bhttp::error::end_of_stream).category()) {
      return reply({400, "this is not HTTP/1.1\n"}, 11, false, false);
    }
    if (error) return;
    const auto request = parser_->release();
    HttpCall call;
    call.method = std::string(request.method_string());
    const std::string target(request.target());
    const std::size_t mark = target.find('?');
    call.path = target.substr(0, mark);
    if (mark != std::string::npos) call.query = target.substr(mark + 1);
    for (const auto& field : request) call.headers.emplace_back(field.name_string(), field.value());
    call.body = request.body();
    error_code unknown;
    if (const auto end = transport().socket().remote_endpoint(unknown); !unknown)
      call.peer = end.address().to_string();
    HttpReply answer = shared_->routes.answer(call);
    const bool keepAlive = request.keep_alive() && !answer.close;
    reply(std::move(answer), request.version(), keepAlive, call.method == "HEAD");
  }

  void reply(HttpReply reply, unsigned version, bool keepAlive, bool headOnly) {
    response_ = {};
    response_.result(static_cast<unsigned>(reply.status));
    response_.version(version);
    response_.keep_alive(keepAlive);
    response_.set(bhttp::field::content_type, reply.contentType);
    for (const auto& [name, value] : reply.headers) response_.set(name, value);
    response_.body() = std::move(reply.body);
    response_.prepare_payload();
    if (headOnly) response_.body().clear();  // with the Content-Length of what GET would have
    transport().expires_after(shared_->options.writeLimit);
    bhttp::async_write(
        stream_, response_,
        beast::bind_front_handler(&Session::onWrite, this->shared_from_this(), keepAlive));
  }

  void onWrite(bool keepAlive, error_code error, std::size_t) {
    if (error) return;
    if (!keepAlive) return close();
    read();
  }

  void close() {
    if constexpr (kSecure) {
      transport().expires_after(shared_->options.writeLimit);
      return stream_.async_shutdown([self = this->shared_from_this()](error_code) {});
    }
    error_code ignored;
    transport().socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

  const std::shared_ptr<asio::ssl::context> context_;  // outlives the stream
  Stream stream_;
  std::shared_ptr<Shared> shared_;
  beast::flat_buffer buffer_;
  std::optional<bhttp::request_parser<bhttp::string_body>> parser_;
  bhttp::response<bhttp::string_body> response_;
};

}  // namespace

struct HttpServer::Impl {
  std::shared_ptr<Shared> shared = std::make_shared<Shared>();
  asio::io_context io;
  tcp::acceptor acceptor{io};
  asio::steady_timer pause{io};
  std::vector<std::thread> threads;

  template <class Stream>
  void run(tcp::socket socket, std::shared_ptr<asio::ssl::context> context = nullptr) {
    const auto session =
        std::make_shared<Session<Stream>>(std::move(socket), shared, std::move(context));
    asio::post(session->executor(), [session] { session->begin(); });
  }

  void begin(tcp::socket socket) {
    if (const auto& tls = shared->options.tls)
      run<Secure>(std::move(socket), tls->context());
    else
      run<beast::tcp_stream>(std::move(socket));
  }

  void accept() {
    acceptor.async_accept(asio::make_strand(io), [this](error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted || !acceptor.is_open()) return;
      if (!error && ++shared->connections > shared->options.maxConnections) {
        --shared->connections;
        error_code ignored;
        socket.close(ignored);
      } else if (!error) {
        begin(std::move(socket));
      } else {
        spdlog::warn("HTTP server: accept: {}",
                     error.message());  // out of descriptors, say: it would spin
        pause.expires_after(std::chrono::milliseconds(100));
        return pause.async_wait([this](error_code cancelled) {
          if (!cancelled) accept();
        });
      }
      accept();
    });
  }
};

HttpServer::HttpServer(Options options) : impl_(std::make_shared<Impl>()) {
  impl_->shared->options = std::move(options);
}

HttpServer::~HttpServer() { stop(); }

void HttpServer::handle(const std::string& method, const std::string& path, Handler handler) {
  impl_->shared->routes.add(method, path, std::move(handler));
}

HttpReply HttpServer::answer(const HttpCall& call) const {
  return impl_->shared->routes.answer(call);
}

Expected<void> HttpServer::listen() {
  const Options& options = impl_->shared->options;
  const std::string where = options.address + ":" + std::to_string(options.port);
  error_code error;
  const auto address = asio::ip::make_address(options.address, error);
  if (error)
    return fail(ErrorCode::InvalidArgument,
                "'" + options.address + "' is not an IP address to listen on");
  const tcp::endpoint endpoint(address, options.port);
  tcp::acceptor& acceptor = impl_->acceptor;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) return {};
  error_code ignored;
  acceptor.close(ignored);
  return fail(ErrorCode::InvalidArgument,
              "cannot listen on " + where + ": " + error.message() + "; choose another port");
}

std::uint16_t HttpServer::port() const {
  error_code error;
  const auto endpoint = impl_->acceptor.local_endpoint(error);
  return error ? 0 : endpoint.port();
}

std::size_t HttpServer::connections() const { return impl_->shared->connections; }

void HttpServer::start() {
  asio::post(impl_->io, [impl = impl_.get()] { impl->accept(); });
  for (std::size_t i = 0; i < impl_->shared->options.threads; ++i) {
    impl_->threads.emplace_back([impl = impl_.get()] { impl->io.run(); });
  }
}

bool HttpServer::stop() {
  impl_->io.stop();
  for (std::thread& thread : impl_->threads) thread.join();
  impl_->threads.clear();
  error_code ignored;
  impl_->acceptor.close(ignored);
  return true;  // connections end with the io_context that holds them
}

}  // namespace reprise::runtime
