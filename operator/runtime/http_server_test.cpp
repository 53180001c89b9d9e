#include "runtime/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace reprise::runtime {
namespace {

// A bare client: what strangers send is not always HTTP.
class Connection {
 public:
  explicit Connection(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~Connection() { ::close(fd_); }
  Connection(const Connection&) = delete;
  bool connected() const { return connected_; }
  void send(const std::string& bytes) {
    (void)!::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  std::string readToEnd() {
    std::string out;
    char block[4096];
    for (ssize_t n; (n = ::recv(fd_, block, sizeof block, 0)) > 0;) out.append(block, n);
    return out;
  }
  std::string readUntil(const std::string& end) {
    std::string out;
    char byte;
    while (out.find(end) == std::string::npos && ::recv(fd_, &byte, 1, 0) == 1) out += byte;
    return out;
  }

 private:
  int fd_;
  bool connected_ = false;
};

class HttpServerTest : public ::testing::Test {
 protected:
  void serve(HttpServer::Options options = {}) {
    options.address = "127.0.0.1";
    server = std::make_unique<HttpServer>(options);
    server->handle("GET", "/healthz", [](const HttpCall&) { return HttpReply{200, "ok\n"}; });
    server->handle("GET", "/throws",
                   [](const HttpCall&) -> HttpReply { throw std::runtime_error("secret"); });
    server->handle("POST", "/hooks/*", [](const HttpCall& call) {
      return HttpReply{
          202, call.path + "|" + call.query + "|" + call.header("x-token") + "|" + call.body};
    });
    const auto listening = server->listen();
    ASSERT_TRUE(listening) << listening.error().message;
    server->start();
  }
  std::string ask(const std::string& bytes) {
    Connection connection(server->port());
    connection.send(bytes);
    return connection.readToEnd();
  }
  std::string get(const std::string& path, const std::string& method = "GET") {
    return ask(method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  }
  std::unique_ptr<HttpServer> server;
};

TEST_F(HttpServerTest, AHandlerKnowsThePeerAndMayAddHeadersAndEndTheConnection) {
  server = std::make_unique<HttpServer>(HttpServer::Options{.address = "127.0.0.1"});
  server->handle("GET", "/later", [](const HttpCall& call) {
    return HttpReply{503, call.peer, "text/plain", {{"Retry-After", "5"}}, true};
  });
  ASSERT_TRUE(server->listen());
  server->start();
  const std::string answer = ask("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(answer.find("Retry-After: 5\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n127.0.0.1")) << "and then it is closed";
}

TEST_F(HttpServerTest, AnswersItsTableAndNothingElse) {
  serve();
  EXPECT_TRUE(get("/healthz").starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(get("/healthz").ends_with("\r\n\r\nok\n"));
  EXPECT_TRUE(get("/other").starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(get("/healthz", "DELETE").starts_with("HTTP/1.1 405 "));
}

TEST_F(HttpServerTest, HeadHasTheLengthAndNoBody) {
  serve();
  const std::string answer = get("/healthz", "HEAD");
  EXPECT_NE(answer.find("Content-Length: 3"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(HttpServerTest, AHandlerGetsPathQueryHeadersAndBody) {
  serve();
  const std::string answer =
      ask("POST /hooks/a/b?x=1&y HTTP/1.1\r\nHost: x\r\nX-Token: t\r\nContent-Length: "
          "4\r\nConnection: close\r\n\r\nbody");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 202 "));
  EXPECT_TRUE(answer.ends_with("/hooks/a/b|x=1&y|t|body")) << answer;
}

TEST_F(HttpServerTest, OneConnectionServesManyRequests) {
  serve();
  Connection connection(server->port());
  for (int i = 0; i < 3; ++i) {
    connection.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(connection.readUntil("ok\n").starts_with("HTTP/1.1 200 ")) << i;
  }
}

TEST_F(HttpServerTest, AHandlerThatThrowsIsA500ThatTellsNothing) {
  serve();
  const std::string answer = get("/throws");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 "));
  EXPECT_EQ(answer.find("secret"), std::string::npos);
}

TEST_F(HttpServerTest, WhatIsTooLargeIsRefused) {
  HttpServer::Options options;
  options.maxHeader = 1024;
  options.maxBody = 100;
  serve(options);
  EXPECT_TRUE(ask("GET /healthz HTTP/1.1\r\nX: " + std::string(2000, 'x') + "\r\n\r\n")
                  .starts_with("HTTP/1.1 431 "));
  EXPECT_TRUE(
      ask("POST /hooks/a HTTP/1.1\r\nContent-Length: 101\r\n\r\n").starts_with("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, WhatIsNotHttpIsA400) {
  serve();
  EXPECT_TRUE(ask("\x16\x03\x01 TLS?\r\n\r\n").starts_with("HTTP/1.1 400 "));
}

TEST_F(HttpServerTest, ASlowLorisIsCutOffAlsoWhileItTrickles) {
  HttpServer::Options options;
  options.readLimit = Milliseconds{50};
  serve(options);
  Connection silent(server->port()), slow(server->port());
  slow.send("GET /healthz HTTP/1.1\r\nX: ");
  EXPECT_EQ(silent.readToEnd(), "");  // hangs for ever without the limit
  EXPECT_EQ(slow.readToEnd(), "");
}

TEST_F(HttpServerTest, ConnectionsBeyondTheLimitAreClosedAndRoomComesBack) {
  HttpServer::Options options;
  options.maxConnections = 2;
  serve(options);
  auto a = std::make_unique<Connection>(server->port());
  Connection b(server->port());
  for (Connection* c : {a.get(), &b}) {
    c->send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_NE(c->readUntil("ok\n"), "");  // it is counted
  }
  Connection third(server->port());
  EXPECT_EQ(third.readToEnd(), "");
  a.reset();
  while (server->connections() > 1) usleep(100);
  EXPECT_TRUE(get("/healthz").starts_with("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, APortThatIsTakenIsAnErrorThatNamesIt) {
  serve();
  HttpServer::Options options;
  options.address = "127.0.0.1";
  options.port = server->port();
  HttpServer second(options);
  const auto listening = second.listen();
  ASSERT_FALSE(listening);
  EXPECT_NE(listening.error().message.find("127.0.0.1:" + std::to_string(server->port())),
            std::string::npos);
}

TEST_F(HttpServerTest, StopClosesConnectionsThatAreOpen) {
  serve();
  Connection open(server->port());
  open.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  open.readUntil("ok\n");
  server->stop();
  server.reset();
  EXPECT_EQ(open.readToEnd(), "");
}

}  // namespace
}  // namespace reprise::runtime
