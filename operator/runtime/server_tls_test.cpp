#include "runtime/server_tls.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include "http/testing/certificates.h"
#include "runtime/http_server.h"

namespace reprise::runtime {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

// A client that trusts one authority and keeps its connection.
class Client {
 public:
  Client(std::uint16_t port, const std::string& caPem) {
    context_.add_certificate_authority(asio::buffer(caPem));
    stream_.set_verify_mode(asio::ssl::verify_peer);
    stream_.next_layer().connect({asio::ip::address_v4::loopback(), port});
    stream_.handshake(asio::ssl::stream_base::client, error_);
  }
  bool trusts() const { return !error_; }
  std::string get() {
    asio::write(stream_,
                asio::buffer(std::string("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")));
    std::string out;
    boost::system::error_code end;
    asio::read_until(stream_, asio::dynamic_buffer(out), "ok\n", end);
    return out;
  }

 private:
  asio::io_context io_;
  asio::ssl::context context_{asio::ssl::context::tls_client};
  asio::ssl::stream<asio::ip::tcp::socket> stream_{io_, context_};
  boost::system::error_code error_;
};

struct ServerTlsTest : ::testing::Test {
  fs::path folder;
  http::tls_testing::Authority first{"first"}, second{"second"};
  std::unique_ptr<HttpServer> server;

  ServerTlsTest() {
    std::string name = (fs::temp_directory_path() / "reprise-tls-XXXXXX").string();
    folder = ::mkdtemp(name.data());
  }
  ~ServerTlsTest() override {
    server.reset();
    fs::remove_all(folder);
  }
  std::string path(const char* name) const { return (folder / name).string(); }
  void write(const char* name, const std::string& text) {
    std::ofstream(folder / name, std::ios::binary) << text;
  }
  void install(const http::tls_testing::Authority& authority) {
    const auto made = authority.issue("localhost", "DNS:localhost");
    write("tls.crt", made.certPem);
    write("tls.key", made.keyPem);
  }
  Expected<std::shared_ptr<ServerTls>> load() {
    return ServerTls::load({"--cert", path("tls.crt")}, {"--key", path("tls.key")},
                           Milliseconds(0));
  }
  void serve() {
    const auto tls = load();
    ASSERT_TRUE(tls) << tls.error().message;
    HttpServer::Options options;
    options.address = "127.0.0.1";
    options.tls = *tls;
    options.readLimit = Milliseconds(2'000);
    server = std::make_unique<HttpServer>(options);
    server->handle("GET", "/healthz",
                   [](const HttpCall& call) { return HttpReply{200, call.peer + " ok\n"}; });
    ASSERT_TRUE(server->listen());
    server->start();
  }
  std::string problem() {
    const auto tls = load();
    return tls ? "none" : tls.error().message;
  }
};

TEST_F(ServerTlsTest, AnswersWhoTrustsItsCertificateAndKeepsTheConnection) {
  install(first);
  serve();
  Client good(server->port(), first.pem());
  ASSERT_TRUE(good.trusts());
  EXPECT_TRUE(good.get().starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(good.get().ends_with("127.0.0.1 ok\n"));
  Client stranger(server->port(), second.pem());
  EXPECT_FALSE(stranger.trusts());
}

TEST_F(ServerTlsTest, ACertificateThatIsRenewedIsUsedByTheNextConnectionAndEndsNone) {
  install(first);
  serve();
  Client before(server->port(), first.pem());
  ASSERT_TRUE(before.trusts());
  install(second);
  Client after(server->port(), second.pem());
  EXPECT_TRUE(after.trusts());
  EXPECT_FALSE(before.get().empty());
  EXPECT_FALSE(after.get().empty());
}

TEST_F(ServerTlsTest, ARenewalThatCannotBeUsedLeavesWhatWasInUseUntilItIsWhole) {
  install(first);
  serve();
  const auto next = second.issue("localhost", "DNS:localhost");
  write("tls.crt", next.certPem);  // and not yet its key
  EXPECT_TRUE(Client(server->port(), first.pem()).trusts());
  fs::remove(folder / "tls.key");
  EXPECT_TRUE(Client(server->port(), first.pem()).trusts());
  write("tls.key", next.keyPem);
  EXPECT_TRUE(Client(server->port(), second.pem()).trusts());
}

TEST_F(ServerTlsTest, SeesALinkThatIsSwappedAsAVolumeOfASecretDoes) {
  const auto put = [&](const char* into, const http::tls_testing::Authority& authority) {
    fs::create_directory(folder / into);
    const auto made = authority.issue("localhost", "DNS:localhost");
    write((std::string(into) + "/tls.crt").c_str(), made.certPem);
    write((std::string(into) + "/tls.key").c_str(), made.keyPem);
  };
  put("one", first);
  put("two", second);
  fs::create_directory_symlink("one", folder / "..data");
  fs::create_symlink("..data/tls.crt", folder / "tls.crt");
  fs::create_symlink("..data/tls.key", folder / "tls.key");
  serve();
  fs::create_directory_symlink("two", folder / "..tmp");
  fs::rename(folder / "..tmp", folder / "..data");
  EXPECT_TRUE(Client(server->port(), second.pem()).trusts());
}

TEST_F(ServerTlsTest, SomebodyWhoSpeaksPlainHttpIsNotAnswered) {
  install(first);
  serve();
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  socket.connect({asio::ip::address_v4::loopback(), server->port()});
  asio::write(socket, asio::buffer(std::string("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")));
  std::string out;
  boost::system::error_code end;
  asio::read_until(socket, asio::dynamic_buffer(out), "ok\n", end);
  EXPECT_TRUE(end);
  EXPECT_EQ(out.find("HTTP/1.1"), std::string::npos);
}

TEST_F(ServerTlsTest, WhatCannotBeUsedIsRefusedWithTheOptionAndTheFile) {
  EXPECT_EQ(problem(), "--cert: cannot read '" + path("tls.crt") + "': No such file or directory");
  install(first);
  fs::remove(folder / "tls.key");
  EXPECT_EQ(problem(), "--key: cannot read '" + path("tls.key") + "': No such file or directory");
  write("tls.key", second.issue("localhost", "").keyPem);
  EXPECT_EQ(problem(), "--key: '" + path("tls.key") + "' is not the key of the certificate in '" +
                           path("tls.crt") + "'");
  write("tls.key", "x");
  EXPECT_TRUE(problem().starts_with("--key: '" + path("tls.key") + "' holds no key in PEM"));
  write("tls.crt", "");
  EXPECT_TRUE(problem().starts_with("--cert: '" + path("tls.crt") + "' holds no certificate"));
  write("tls.crt", std::string((1 << 20) + 1, 'x'));
  EXPECT_TRUE(problem().starts_with("--cert: '" + path("tls.crt") + "' is larger than 1 MiB"));
}

}  // namespace
}  // namespace reprise::runtime
