// What every Transport must do: against a real socket, with a small server that does as each test
// says.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <future>
#include <optional>
#include <thread>

#include <gtest/gtest.h>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>

#include "http/beast_transport.h"
#include "http/cpprest_transport.h"
#include "http/testing/certificates.h"

namespace reprise::http {
namespace {

using boost::asio::ip::tcp;

const bool ready = [] {
  initialiseCpprest();
  return true;
}();

struct Implementation {
  const char* name;
  std::shared_ptr<Transport> (*make)(TlsOptions);
  bool keepsConnections;
};

class AnyTransport : public testing::TestWithParam<Implementation> {
 protected:
  static std::shared_ptr<Transport> make(TlsOptions tls = {}) {
    return GetParam().make(std::move(tls));
  }
};

INSTANTIATE_TEST_SUITE_P(Each, AnyTransport,
                         testing::Values(Implementation{"Cpprest", makeCpprestTransport, true},
                                         Implementation{"Beast", makeBeastTransport, false}),
                         [](const auto& one) { return one.param.name; });

// Accepts connections and hands each, with the request's head, to `serve`.
class Server {
 public:
  explicit Server(std::function<void(tcp::socket&, const std::string& head)> serve)
      : serve_(std::move(serve)),
        acceptor_(io_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)) {
    thread_ = std::thread([this] { run(); });
  }
  ~Server() {
    stopping_ = true;
    boost::system::error_code ignored;
    tcp::socket wake(io_);
    wake.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
    for (auto& one : served_) one.join();
  }
  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port()) + path;
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  std::atomic<int> requests{0};

 private:
  void run() {
    for (;;) {
      tcp::socket socket(io_);
      acceptor_.accept(socket);
      if (stopping_) return;
      served_.emplace_back([this, socket = std::move(socket)]() mutable {
        boost::system::error_code error;
        boost::asio::streambuf buffer;
        const auto size = boost::asio::read_until(socket, buffer, "\r\n\r\n", error);
        if (error) return;
        ++requests;
        serve_(socket, std::string(boost::asio::buffers_begin(buffer.data()),
                                   boost::asio::buffers_begin(buffer.data()) + size));
      });
    }
  }

  std::function<void(tcp::socket&, const std::string&)> serve_;
  boost::asio::io_context io_;
  tcp::acceptor acceptor_;
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> served_;
  std::thread thread_;
};

void write(tcp::socket& socket, const std::string& text) {
  boost::system::error_code ignored;
  boost::asio::write(socket, boost::asio::buffer(text), ignored);
}

// Lower case and without blanks: libraries write "Name:value" and "name: value".
std::string compact(const std::string& head) {
  std::string out;
  for (const char c : head) {
    if (c != ' ') out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

// Appends to `all` what comes until the stream ends, at most a chunk a read.
void readToEnd(ByteStream& stream, std::span<char> chunk, std::string& all) {
  for (;;) {
    const auto size = stream.read(chunk);
    ASSERT_TRUE(size) << size.error().message;
    if (*size == 0) return;
    all.append(chunk.data(), *size);
  }
}

// Until the other side closes.
void waitForClose(tcp::socket& socket) {
  char byte;
  boost::system::error_code error;
  while (!error) socket.read_some(boost::asio::buffer(&byte, 1), error);
}

TEST_P(AnyTransport, AResponseComesWithStatusHeadersAndBody) {
  Server server([](tcp::socket& socket, const std::string& head) {
    EXPECT_NE(head.find("GET /a?b=c%20d HTTP/1.1"), std::string::npos) << head;
    EXPECT_NE(compact(head).find("x-test:1\r\n"), std::string::npos) << head;
    write(socket, "HTTP/1.1 404 Not Found\r\nX-Answer: yes\r\nContent-Length: 5\r\n\r\nhello");
  });
  auto response = make()->send({"GET", server.url("/a?b=c%20d"), {{"x-test", "1"}}, {}},
                               std::chrono::seconds(30));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->header("x-answer"), "yes");
  EXPECT_EQ(response->body, "hello");
}

TEST_P(AnyTransport, ARedirectIsAnAnswerAndNobodyElseSeesTheToken) {
  Server other([](tcp::socket& socket, const std::string&) {
    write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  Server server([&](tcp::socket& socket, const std::string&) {
    write(socket, "HTTP/1.1 307 Temporary Redirect\r\nLocation: " + other.url("/") +
                      "\r\nContent-Length: 0\r\n\r\n");
  });
  auto response = make()->send({"GET", server.url("/"), {{"Authorization", "Bearer t"}}, {}},
                               std::chrono::seconds(30));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 307);
  EXPECT_EQ(response->header("location"), other.url("/"));
  EXPECT_EQ(other.requests, 0);
}

TEST_P(AnyTransport, ABodyIsSentOnceEvenIfTheConnectionCloses) {
  Server server([](tcp::socket& socket, const std::string&) { socket.close(); });
  auto response =
      make()->send({"POST", server.url("/"), {{"Content-Type", "application/json"}}, "{\"a\":1}"},
                   std::chrono::seconds(30));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().sent, Sent::Maybe);
  EXPECT_EQ(server.requests, 1);
}

// The library on its own sends it again where a kept connection turns out to be closed: two
// creates.
TEST_P(AnyTransport, ABodyIsSentOnceAlsoOnAKeptConnectionThatClosesBeforeTheAnswer) {
  if (!GetParam().keepsConnections) GTEST_SKIP() << "each request has a connection of its own";
  // A connection is free again some time after its answer: until then the next request gets a new
  // one, and the server answers it.
  for (int tries = 0; tries < 100; ++tries) {
    std::atomic<int> posts{0};
    Server server([&](tcp::socket& socket, const std::string& head) {
      if (head.find("POST") == 0) ++posts;
      write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      boost::system::error_code error;
      boost::asio::streambuf buffer;
      boost::asio::read_until(socket, buffer, "{\"a\":1}", error);
      if (!error) ++posts;
      socket.close();
    });
    auto transport = make();
    ASSERT_TRUE(transport->send({"GET", server.url("/"), {}, {}}, std::chrono::seconds(30)));
    auto response =
        transport->send({"POST", server.url("/"), {}, "{\"a\":1}"}, std::chrono::seconds(30));
    if (server.requests > 1 && response) continue;
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().sent, Sent::Maybe);
    EXPECT_EQ(posts, 1);
    EXPECT_EQ(server.requests, 1);
    return;
  }
  FAIL() << "no request used a kept connection";
}

TEST_P(AnyTransport, TheDeadlineIsForTheWholeExchange) {
  Server server([](tcp::socket& socket, const std::string&) {
    write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx");  // and no more
    waitForClose(socket);
  });
  auto response = make()->send({"GET", server.url("/"), {}, {}}, std::chrono::milliseconds(100));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, TransportError::Kind::Timeout) << response.error().message;
}

TEST_P(AnyTransport, AStopEndsARequestThatHangs) {
  Server server([](tcp::socket& socket, const std::string&) { waitForClose(socket); });
  std::stop_source source;
  std::thread stopper([&] {
    while (server.requests == 0) std::this_thread::yield();
    source.request_stop();
  });
  auto response =
      make()->send({"GET", server.url("/"), {}, {}}, std::chrono::hours(1), source.get_token());
  stopper.join();
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, TransportError::Kind::Cancelled);
}

TEST_P(AnyTransport, NobodyThereIsConnectAndNotSent) {
  std::string url;
  {
    Server gone([](tcp::socket&, const std::string&) {});
    url = gone.url("/");
  }
  auto response = make()->send({"GET", url, {}, {}}, std::chrono::seconds(30));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, TransportError::Kind::Connect) << response.error().message;
  EXPECT_EQ(response.error().sent, Sent::No);
}

TEST_P(AnyTransport, AResponseBeyondTheCapIsTooLarge) {
  Server server([](tcp::socket& socket, const std::string&) {
    write(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "1000\r\n" + std::string(4096, 'x') + "\r\n";
    boost::system::error_code error;
    for (int i = 0; i < 1000 && !error; ++i)
      boost::asio::write(socket, boost::asio::buffer(chunk), error);
  });
  auto response =
      make()->send({"GET", server.url("/"), {}, {}}, std::chrono::seconds(30), {}, 10'000);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, TransportError::Kind::TooLarge);
}

// Options of our own end of the connection to that port, found among this process's files.
struct Watched {
  int keepAlive = 0, idle = 0, unacknowledgedMs = 0;
};
std::optional<Watched> socketTo(std::uint16_t port) {
  for (int fd = 3; fd < 1024; ++fd) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0 ||
        peer.sin_family != AF_INET || ntohs(peer.sin_port) != port)
      continue;
    Watched out;
    size = sizeof(int);
    getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &out.keepAlive, &size);
    getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &out.idle, &size);
    getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &out.unacknowledgedMs, &size);
    return out;
  }
  return std::nullopt;
}

TEST_P(AnyTransport, Row11_AConnectionIsProbedAndGivenUpWhereNothingIsAcknowledged) {
  std::promise<void> looked;
  Server server([&](tcp::socket& socket, const std::string&) {
    write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    looked.get_future().wait();
    write(socket, "def");
  });
  auto stream = make()->openStream({"GET", server.url("/"), {}, {}}, std::chrono::seconds(30));
  ASSERT_TRUE(stream) << stream.error().message;
  const auto socket = socketTo(server.port());
  looked.set_value();
  ASSERT_TRUE(socket);
  EXPECT_NE(socket->keepAlive, 0);
  EXPECT_GT(socket->idle, 0);
  EXPECT_LE(socket->idle, 60) << "seconds; the kernel's default is two hours";
  EXPECT_GT(socket->unacknowledgedMs, 0);
  EXPECT_LE(socket->unacknowledgedMs, 60'000);
}

TEST_P(AnyTransport, AStreamGivesBytesAsTheyComeThenTheEnd) {
  std::promise<void> first;
  Server server([&](tcp::socket& socket, const std::string&) {
    write(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    first.get_future().wait();  // the second comes only after the first was read
    write(socket, "3\r\ndef\r\n0\r\n\r\n");
  });
  auto stream = make()->openStream({"GET", server.url("/"), {}, {}}, std::chrono::seconds(30));
  ASSERT_TRUE(stream) << stream.error().message;
  EXPECT_EQ((*stream)->status(), 200);
  std::string all;
  char chunk[64];
  while (all.size() < 3) {
    auto size = (*stream)->read(chunk);
    ASSERT_TRUE(size) << size.error().message;
    ASSERT_GT(*size, 0u);
    all.append(chunk, *size);
  }
  EXPECT_EQ(all, "abc");
  first.set_value();
  ASSERT_NO_FATAL_FAILURE(readToEnd(**stream, chunk, all));
  EXPECT_EQ(all, "abcdef");
}

TEST_P(AnyTransport, AStreamOfAKnownLengthEndsThere) {
  Server server([](tcp::socket& socket, const std::string&) {
    write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef");
    waitForClose(socket);
  });
  auto stream = make()->openStream({"GET", server.url("/"), {}, {}}, std::chrono::seconds(30));
  ASSERT_TRUE(stream) << stream.error().message;
  std::string all;
  char chunk[4];
  ASSERT_NO_FATAL_FAILURE(readToEnd(**stream, chunk, all));
  EXPECT_EQ(all, "abcdef");
}

TEST_P(AnyTransport, AStreamMayBeGivenAnotherIdleTime) {
  Server silent([](tcp::socket& socket, const std::string&) {
    write(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
    waitForClose(socket);
  });
  char chunk[64];
  auto stream = make()->openStream({"GET", silent.url("/"), {}, {}}, std::chrono::seconds(60));
  ASSERT_TRUE(stream);
  ASSERT_TRUE((*stream)->read(chunk));
  (*stream)->setIdle(std::chrono::milliseconds(50));
  auto size = (*stream)->read(chunk);
  ASSERT_FALSE(size);
  EXPECT_EQ(size.error().kind, TransportError::Kind::Timeout);
}

TEST_P(AnyTransport, AStreamThatFallsSilentIsATimeoutAndOneThatBreaksAnError) {
  Server silent([](tcp::socket& socket, const std::string&) {
    write(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
    waitForClose(socket);
  });
  char chunk[64];
  auto stream =
      make()->openStream({"GET", silent.url("/"), {}, {}}, std::chrono::milliseconds(200));
  ASSERT_TRUE(stream);
  ASSERT_TRUE((*stream)->read(chunk));
  auto size = (*stream)->read(chunk);
  ASSERT_FALSE(size);
  EXPECT_EQ(size.error().kind, TransportError::Kind::Timeout);

  Server breaking([](tcp::socket& socket, const std::string&) {
    write(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab");
  });
  auto broken = make()->openStream({"GET", breaking.url("/"), {}, {}}, std::chrono::seconds(30));
  ASSERT_TRUE(broken);
  for (;;) {
    auto got = (*broken)->read(chunk);
    if (!got) break;
    ASSERT_NE(*got, 0u) << "an end in mid-chunk must not look like an orderly one";
  }
}

// An API server that restarts breaks every watch at once. More of them than the library has
// threads.
TEST_P(AnyTransport, StreamsThatBreakAtOnceAllEnd) {
  constexpr int kStreams = 16;
  std::promise<void> breakAll;
  const auto broken = breakAll.get_future().share();
  Server server([broken](tcp::socket& socket, const std::string&) {
    write(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    broken.wait();
  });
  const auto transport = make();
  std::vector<std::unique_ptr<ByteStream>> streams;
  for (int i = 0; i < kStreams; ++i) {
    auto stream = transport->openStream({"GET", server.url("/"), {}, {}}, std::chrono::seconds(60));
    ASSERT_TRUE(stream) << stream.error().message;
    streams.push_back(std::move(*stream));
  }
  std::vector<std::future<TransportError::Kind>> ends;
  for (const auto& stream : streams) {
    ends.push_back(std::async(std::launch::async, [&stream] {
      char bytes[16];
      for (;;) {
        const auto size = stream->read(bytes);
        if (!size) return size.error().kind;
        if (*size == 0) return TransportError::Kind::Protocol;  // no end in order was sent
      }
    }));
  }
  breakAll.set_value();
  for (auto& end : ends) EXPECT_EQ(end.get(), TransportError::Kind::Reset);
}

TEST_P(AnyTransport, WhatIsNoUrlOrNoHttpIsAProtocolErrorAndNotSent) {
  for (const char* url : {"", "localhost", "ftp://localhost/", "http://", "http://h:99999/"}) {
    auto response = make()->send({"GET", url, {}, {}}, std::chrono::seconds(30));
    ASSERT_FALSE(response) << url;
    EXPECT_EQ(response.error().sent, Sent::No) << url;
  }
  Server server(
      [](tcp::socket& socket, const std::string&) { write(socket, "SSH-2.0-x\r\n\r\n"); });
  EXPECT_FALSE(make()->send({"GET", server.url("/"), {}, {}}, std::chrono::seconds(30)));
}

TEST_P(AnyTransport, ABodyComesWithItsLengthAndType) {
  Server server([](tcp::socket& socket, const std::string& head) {
    EXPECT_NE(compact(head).find("content-length:7\r\n"), std::string::npos) << head;
    EXPECT_NE(compact(head).find("content-type:application/json\r\n"), std::string::npos) << head;
    write(socket, "HTTP/1.1 204 No Content\r\n\r\n");
    waitForClose(socket);
  });
  auto response =
      make()->send({"POST", server.url("/"), {}, "{\"a\":1}"}, std::chrono::seconds(30));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 204);
  EXPECT_EQ(response->body, "");
}

TEST_P(AnyTransport, ABodyWithoutALengthEndsWithTheConnection) {
  Server server([](tcp::socket& socket, const std::string&) {
    write(socket, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it");
  });
  auto response = make()->send({"GET", server.url("/"), {}, {}}, std::chrono::seconds(30));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "all of it");
}

// Answers one request a connection with 200 "secret", over TLS with what the test gives it.
class TlsServer {
 public:
  TlsServer(const tls_testing::Identity& own, const std::string& clientCa,
            const char* address = "127.0.0.1")
      : acceptor_(io_, tcp::endpoint(boost::asio::ip::make_address(address), 0)) {
    context_.use_certificate_chain(boost::asio::buffer(own.certPem));
    context_.use_private_key(boost::asio::buffer(own.keyPem), boost::asio::ssl::context::pem);
    if (!clientCa.empty()) {
      context_.add_certificate_authority(boost::asio::buffer(clientCa));
      context_.set_verify_mode(boost::asio::ssl::verify_peer |
                               boost::asio::ssl::verify_fail_if_no_peer_cert);
    }
    thread_ = std::thread([this] { run(); });
  }
  ~TlsServer() {
    stopping_ = true;
    boost::system::error_code ignored;
    tcp::socket wake(io_);
    wake.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }
  std::string url(const std::string& host) const {
    return "https://" + host + ":" + std::to_string(acceptor_.local_endpoint().port()) + "/";
  }
  std::atomic<int> requests{0};

 private:
  void run() {
    for (;;) {
      tcp::socket socket(io_);
      acceptor_.accept(socket);
      if (stopping_) return;
      boost::asio::ssl::stream<tcp::socket> stream(std::move(socket), context_);
      boost::system::error_code error;
      stream.handshake(boost::asio::ssl::stream_base::server, error);
      boost::asio::streambuf buffer;
      if (!error) boost::asio::read_until(stream, buffer, "\r\n\r\n", error);
      if (error) continue;
      ++requests;
      const std::string answer =
          "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\nsecret";
      boost::asio::write(stream, boost::asio::buffer(answer), error);
      stream.shutdown(error);
    }
  }

  boost::asio::io_context io_;
  boost::asio::ssl::context context_{boost::asio::ssl::context::tls_server};
  tcp::acceptor acceptor_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

class AnyTransportTls : public AnyTransport {
 protected:
  const tls_testing::Authority ca_{"the cluster"};
  const tls_testing::Authority otherCa_{"somebody else"};

  static TlsOptions trusting(const tls_testing::Authority& authority) {
    TlsOptions tls;
    tls.caPem = authority.pem();
    return tls;
  }
  static tl::expected<Response, TransportError> get(const TlsServer& server, TlsOptions tls,
                                                    const std::string& host = "127.0.0.1") {
    return make(std::move(tls))->send({"GET", server.url(host), {}, {}}, std::chrono::seconds(30));
  }
  static void expectRefused(const tl::expected<Response, TransportError>& response,
                            const TlsServer& server) {
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, TransportError::Kind::Tls) << response.error().message;
    EXPECT_NE(response.error().message.find("certificate"), std::string::npos)
        << "it names the certificate: " << response.error().message;
    EXPECT_EQ(server.requests, 0);
  }
};

INSTANTIATE_TEST_SUITE_P(Each, AnyTransportTls,
                         testing::Values(Implementation{"Cpprest", makeCpprestTransport, true},
                                         Implementation{"Beast", makeBeastTransport, false}),
                         [](const auto& one) { return one.param.name; });

TEST_P(AnyTransportTls, AnAddressInTheCertificateIsAccepted) {
  TlsServer server(ca_.issue("api", "IP:127.0.0.1"), "");
  auto response = get(server, trusting(ca_));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "secret");
}

TEST_P(AnyTransportTls, AnAddressOfIPv6IsAskedAndExpected) {
  if (!std::ifstream("/proc/net/if_inet6").good()) GTEST_SKIP() << "no IPv6 here";
  TlsServer server(ca_.issue("api", "IP:::1"), "", "::1");
  const auto response = get(server, trusting(ca_), "[::1]");
  ASSERT_TRUE(response) << response.error().message;
  TlsServer other(ca_.issue("api", "IP:127.0.0.1"), "", "::1");
  expectRefused(get(other, trusting(ca_), "[::1]"), other);
}

TEST_P(AnyTransportTls, ANameInTheCertificateIsAccepted) {
  TlsServer server(ca_.issue("api", "DNS:localhost"), "");
  auto response = get(server, trusting(ca_), "localhost");
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "secret");
}

TEST_P(AnyTransportTls, WithoutAnAuthorityOfOursTheSystemsAreTrusted) {
  char bundle[] = "/tmp/reprise-authorities-XXXXXX";
  const int file = mkstemp(bundle);
  const std::string pem = ca_.pem();
  ASSERT_EQ(::write(file, pem.data(), pem.size()), static_cast<ssize_t>(pem.size()));
  close(file);
  const char* before = std::getenv("SSL_CERT_FILE");
  const std::string kept = before ? before : "";
  setenv("SSL_CERT_FILE", bundle, 1);
  TlsServer trusted(ca_.issue("api", "IP:127.0.0.1"), ""),
      other(otherCa_.issue("api", "IP:127.0.0.1"), "");
  const auto response = get(trusted, {});
  EXPECT_TRUE(response) << response.error().message;
  expectRefused(get(other, {}), other);
  before ? setenv("SSL_CERT_FILE", kept.c_str(), 1) : unsetenv("SSL_CERT_FILE");
  unlink(bundle);
}

TEST_P(AnyTransportTls, AnotherAuthorityIsRefused) {
  TlsServer server(otherCa_.issue("api", "IP:127.0.0.1"), "");
  expectRefused(get(server, trusting(ca_)), server);
}

TEST_P(AnyTransportTls, ACertificateForAnotherHostIsRefused) {
  TlsServer server(ca_.issue("api", "IP:127.0.0.2,DNS:example.com"), "");
  expectRefused(get(server, trusting(ca_)), server);
}

TEST_P(AnyTransportTls, AnExpiredCertificateIsRefused) {
  TlsServer server(ca_.issue("api", "IP:127.0.0.1", -3600), "");
  expectRefused(get(server, trusting(ca_)), server);
}

TEST_P(AnyTransportTls, ACertificateThatNamesTheHostOnlyAsItsCommonNameIsRefused) {
  TlsServer server(ca_.issue("localhost", ""), "");
  expectRefused(get(server, trusting(ca_), "localhost"), server);
}

TEST_P(AnyTransportTls, AnotherNameIsExpectedWhereOneIsGiven) {
  TlsServer server(ca_.issue("api", "DNS:kubernetes.default.svc"), "");
  TlsOptions tls = trusting(ca_);
  tls.serverName = "kubernetes.default.svc";
  auto response = get(server, tls);
  ASSERT_TRUE(response) << response.error().message;
  tls.serverName = "other.default.svc";
  EXPECT_FALSE(get(server, tls));
  EXPECT_EQ(server.requests, 1);
}

TEST_P(AnyTransportTls, AClientCertificateIsShownAndWithoutOneTheServerRefuses) {
  TlsServer server(ca_.issue("api", "IP:127.0.0.1"), otherCa_.pem());
  TlsOptions tls = trusting(ca_);
  EXPECT_FALSE(get(server, tls));
  EXPECT_EQ(server.requests, 0);
  const auto own = otherCa_.issue("reprise", "");
  tls.certPem = own.certPem;
  tls.keyPem = own.keyPem;
  auto response = get(server, tls);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "secret");
}

TEST_P(AnyTransportTls, NoVerificationIfThatIsAskedFor) {
  TlsServer server(otherCa_.issue("api", "DNS:example.com"), "");
  TlsOptions tls = trusting(ca_);
  tls.insecureSkipVerify = true;
  EXPECT_TRUE(get(server, tls));
}

}  // namespace
}  // namespace reprise::http
