#include "agent/monitor/call.h"

#include <charconv>

#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

namespace reprise::agent::monitor {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::uint64_t kMaxBody = 16 << 20;

class Call {
 public:
  Call(const std::string& method, const std::string& target, const std::string& body,
       const asio::ip::tcp::endpoint& server) {
    only_ = method.empty();
    request_.version(11);
    request_.method_string(only_ ? "GET" : method);
    request_.target(target);
    request_.set(http::field::host,
                 server.address().to_string() + ":" + std::to_string(server.port()));
    request_.set(http::field::connection, "close");
    if (!body.empty()) request_.set(http::field::content_type, "application/json");
    request_.body() = body;
    request_.prepare_payload();
    parser_.body_limit(kMaxBody);
  }

  error_code run(const asio::ip::tcp::endpoint& server, Milliseconds limit) {
    stream_.expires_after(limit);
    stream_.async_connect(server, [this](error_code error) {
      if (error || only_) return done(error);
      http::async_write(stream_, request_, [this](error_code failed, std::size_t) {
        if (failed) return done(failed);
        http::async_read(stream_, buffer_, parser_,
                         [this](error_code end, std::size_t) { done(end); });
      });
    });
    io_.run();
    return error_;
  }

  CallAnswer answer() {
    if (only_) return {};
    return {static_cast<int>(parser_.get().result_int()), std::move(parser_.get().body())};
  }

 private:
  void done(error_code error) {
    error_ = error;
    stream_.close();
  }

  asio::io_context io_;
  beast::tcp_stream stream_{io_};
  beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response_parser<http::string_body> parser_;
  error_code error_;
  bool only_ = false;
};

}  // namespace

Expected<CallAnswer> call(const asio::ip::tcp::endpoint& server, const std::string& method,
                          const std::string& target, const std::string& body, Milliseconds limit) {
  Call one(method, target, body, server);
  const auto error = one.run(server, limit);
  if (error == beast::error::timeout) {
    return fail(ErrorCode::Timeout,
                "the model server did not answer within " + formatDuration(limit));
  }
  if (error)
    return fail(ErrorCode::Unavailable, "the model server does not answer: " + error.message());
  return one.answer();
}

Expected<asio::ip::tcp::endpoint> endpointOf(const std::string& text, const std::string& flag) {
  const auto colon = text.rfind(':');
  const auto wrong = [&](const std::string& what) {
    return fail(ErrorCode::InvalidArgument, flag + ": '" + text + "' " + what +
                                                "; write an IP address and a port, 127.0.0.1:8080");
  };
  if (colon == std::string::npos) return wrong("has no port");
  std::string host = text.substr(0, colon);
  if (host == "localhost") host = "127.0.0.1";
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  unsigned port = 0;
  const char* end = text.data() + text.size();
  const auto [stop, bad] = std::from_chars(text.data() + colon + 1, end, port);
  if (bad != std::errc() || stop != end || port > 65535) return wrong("has no port");
  error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (error) return wrong("has no IP address");
  return asio::ip::tcp::endpoint(address, static_cast<std::uint16_t>(port));
}

}  // namespace reprise::agent::monitor
