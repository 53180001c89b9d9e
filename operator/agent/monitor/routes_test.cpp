// Requests that name a context and are answered by the Pod of another version.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "agent/monitor/testing/proxy_fixture.h"

namespace reprise::agent::monitor::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kInfer = "/v2/models/fuel/infer";

// Answers with its name and the request's own bytes.
RawServer::Serve named(const std::string& name) {
  return [name](RawSocket& socket, int) {
    while (true) {
      const auto request = socket.message();
      if (request.empty()) return;
      socket.send(answer(name + " " + request));
    }
  };
}

const std::string kRow =
    R"({"inputs":[{"name":"in","shape":[1,2],"datatype":"FP64","data":[1,2]}]})";

// A port whose queue of connections is full: to connect takes for ever.
class DeafPort {
 public:
  DeafPort() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    for (int i = 0; i < 8; ++i) {
      waiting_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      ::connect(waiting_.back(), reinterpret_cast<const sockaddr*>(&address), size);
    }
  }
  ~DeafPort() {
    for (const int fd : waiting_) ::close(fd);
    ::close(listener_);
  }
  std::uint16_t port() const { return port_; }

 private:
  int listener_;
  std::uint16_t port_ = 0;
  std::vector<int> waiting_;
};

class RoutesTest : public ProxyTest {
 protected:
  RoutesTest() {
    options_.contextHeader = "x-vehicle";
    options_.routesToken = "secret";
    options_.windowRows = 1;
  }
  void startBoth(RawServer::Serve here, RawServer::Serve there) {
    start(std::move(here));
    otherServer_ = std::make_unique<RawServer>(std::move(there));
    auto options = options_;
    options.upstream = "127.0.0.1:" + std::to_string(otherServer_->port());
    options.version = "fuel-2";
    other_ = std::make_unique<Process>(options);
    const auto started = other_->start();
    ASSERT_TRUE(started) << started.error().message;
  }
  void TearDown() override {
    process_.reset();
    other_.reset();
    server_.reset();
    otherServer_.reset();
  }

  static std::string setOn(std::uint16_t admin, const std::string& body,
                           const std::string& authorization = "Bearer secret") {
    auto socket = RawSocket::connect(admin);
    const std::string more =
        authorization.empty() ? "" : "Authorization: " + authorization + "\r\n";
    socket.send(post("/routes", body, more));
    return socket.message();
  }
  std::string set(const std::string& body) { return setOn(process_->adminPort(), body); }
  void route(const std::string& context, std::uint16_t port) {
    const json body = {{"routes", {{context, "127.0.0.1:" + std::to_string(port)}}}};
    ASSERT_THAT(set(body.dump()), StartsWith("HTTP/1.1 200"));
  }
  static std::string infer(const std::string& vehicle, const std::string& body = kRow,
                           const std::string& more = "") {
    return post(kInfer, body, "X-Vehicle: " + vehicle + "\r\n" + more);
  }
  Counters& counters() { return process_->counters(); }

  std::unique_ptr<RawServer> otherServer_;
  std::unique_ptr<Process> other_;
};

TEST_F(RoutesTest, RequestOfARoutedContextIsAnsweredByTheOtherPod) {
  startBoth(named("here"), named("there"));
  route("B", other_->port());
  auto socket = client();
  socket.send(infer("B"));
  const auto got = socket.message();
  EXPECT_THAT(bodyOf(got), StartsWith("there POST /v2/models/fuel/infer HTTP/1.1\r\n"));
  EXPECT_THAT(got, HasSubstr("\r\nx-reprise-version: fuel-2\r\n"));
  EXPECT_THAT(got, Not(HasSubstr("\r\nx-reprise-version: fuel-1\r\n")));
  EXPECT_THAT(got, HasSubstr("\r\nx-reprise-routed: 1\r\n"));  // echoed
  socket.send(infer("A"));
  const auto local = socket.message();
  EXPECT_THAT(bodyOf(local), StartsWith("here "));
  EXPECT_THAT(local, Not(HasSubstr("x-reprise-routed")));
  socket.send(post(kInfer, kRow));
  EXPECT_THAT(bodyOf(socket.message()), StartsWith("here "));
  EXPECT_EQ(counters().routed, 1u);
  // each is profiled where it was answered
  EXPECT_TRUE(eventually([&] { return counters().rows == 2 && other_->counters().rows == 1; }));
}

TEST_F(RoutesTest, OnlyInferenceIsRouted) {
  startBoth(named("here"), named("there"));
  route("B", other_->port());
  auto socket = client();
  for (const std::string path : {"/v2/models/fuel/ready", "/v2/models/other/infer", "/"}) {
    socket.send(post(path, "", "X-Vehicle: B\r\n"));
    EXPECT_THAT(bodyOf(socket.message()), StartsWith("here "));
  }
  EXPECT_EQ(counters().routed, 0u);
}

TEST_F(RoutesTest, TablesThatPointAtEachOtherMakeNoRound) {
  startBoth(named("here"), named("there"));
  route("B", other_->port());
  const json back = {{"routes", {{"B", "127.0.0.1:" + std::to_string(process_->port())}}}};
  ASSERT_THAT(setOn(other_->adminPort(), back.dump()), StartsWith("HTTP/1.1 200"));
  auto socket = client();
  socket.send(infer("B"));
  EXPECT_THAT(bodyOf(socket.message()), StartsWith("there "));
  EXPECT_EQ(other_->counters().routed, 0u);
}

TEST_F(RoutesTest, PipelinedRequestsOfManyContextsAreAnsweredInOrderOnKeptConnections) {
  startBoth(named("here"), named("there"));
  route("B", other_->port());
  auto socket = client();
  std::string all;
  for (int i = 0; i < 40; ++i) {
    const std::string mark = "n" + std::to_string(i) + " ";
    all +=
        infer(i % 3 == 0 ? "B" : "A", mark + std::string(static_cast<std::size_t>(i) * 500, 'x'));
  }
  std::thread sending([&] { socket.send(all); });
  for (int i = 0; i < 40; ++i) {
    const auto body = bodyOf(socket.message());
    EXPECT_THAT(body, StartsWith(i % 3 == 0 ? "there " : "here "));
    EXPECT_THAT(body, HasSubstr("\r\n\r\nn" + std::to_string(i) + " "));
  }
  sending.join();
  EXPECT_EQ(server_->connections(), 1);
  EXPECT_EQ(otherServer_->connections(), 1);
}

TEST_F(RoutesTest, LargeAndChunkedBodiesPassWhole) {
  startBoth(named("here"), named("there"));
  route("B", other_->port());
  auto socket = client();
  const std::string body(8 << 20, 'z');
  std::thread sending([&] { socket.send(infer("B", body)); });
  const auto got = bodyOf(socket.message());
  sending.join();
  EXPECT_EQ(got.size() - got.find("\r\n\r\n") - 4, body.size());
  socket.send("POST " + std::string(kInfer) +
              " HTTP/1.1\r\nHost: m\r\nX-Vehicle: B\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const char c : std::string("5\r\nhello\r\n0\r\n\r\n")) socket.send(std::string(1, c));
  EXPECT_THAT(socket.message(), HasSubstr("\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
}

TEST_F(RoutesTest, PodThatIsGoneIsPassedOverAndItsRequestsAreAnsweredHere) {
  start(named("here"));
  route("B", closedPort());
  auto socket = client();
  const std::string body(300'000, 'z');
  for (int i = 0; i < 3; ++i) {
    std::thread sending([&] { socket.send(infer("B", body)); });
    const auto got = socket.message();
    sending.join();
    EXPECT_THAT(bodyOf(got), StartsWith("here "));
    EXPECT_EQ(bodyOf(bodyOf(got)).size(), body.size());
    EXPECT_THAT(got, HasSubstr("\r\nx-reprise-version: fuel-1\r\n"));
    EXPECT_THAT(got, Not(HasSubstr("x-reprise-routed")));
  }
  EXPECT_EQ(counters().routeFallbacks, 3u);
  EXPECT_EQ(counters().routed, 0u);
  EXPECT_EQ(counters().upstreamConnectErrors, 0u);
}

TEST_F(RoutesTest, WhatIsAnsweredHereAfterAllIsProfiledHere) {
  start(named("here"));
  route("B", closedPort());
  auto socket = client();
  socket.send(infer("B"));
  socket.message();
  socket.send("POST " + std::string(kInfer) +
              " HTTP/1.1\r\nHost: m\r\nX-Vehicle: B\r\nTransfer-Encoding: chunked\r\n\r\n" +
              fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", kRow.size(), kRow));
  socket.message();
  EXPECT_TRUE(eventually([&] { return counters().rows == 2; }));
  EXPECT_EQ(counters().unreadable, 0u);
}

TEST_F(RoutesTest, PodThatDoesNotTakeTheConnectionCostsHalfASecondOnce) {
  start(named("here"));
  const DeafPort deaf;
  route("B", deaf.port());
  const auto begin = Steady::now();
  auto socket = client();
  for (int i = 0; i < 5; ++i) {
    socket.send(infer("B", "n" + std::to_string(i)));
    EXPECT_THAT(socket.message(), HasSubstr("\r\n\r\nn" + std::to_string(i)));
  }
  EXPECT_LT(Steady::now() - begin, std::chrono::milliseconds(1900));
  EXPECT_EQ(counters().routeFallbacks, 5u);
}

TEST_F(RoutesTest, PodThatBreaksOffIs502AndTheRequestIsNotSentTwice) {
  start(named("here"));
  RawServer broken([](RawSocket& socket, int) { socket.message(); });
  route("B", broken.port());
  auto socket = client();
  socket.send(infer("B"));
  const auto got = socket.message();
  EXPECT_THAT(got, StartsWith("HTTP/1.1 502"));
  EXPECT_THAT(got, HasSubstr("the Pod of the version for this context"));
  socket.send(infer("A"));
  EXPECT_THAT(bodyOf(socket.message()), StartsWith("here "));
  process_.reset();
}

TEST_F(RoutesTest, StaleConnectionToAPodThatIsGoneIsNoError) {
  start(named("here"));
  auto there = std::make_unique<RawServer>([](RawSocket& socket, int) {
    socket.message();
    socket.send(answer("there"));
  });
  route("B", there->port());
  auto socket = client();
  socket.send(infer("B"));
  EXPECT_EQ(bodyOf(socket.message()), "there");
  there.reset();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  socket.send(infer("B"));
  EXPECT_THAT(bodyOf(socket.message()), StartsWith("here "));
}

TEST_F(RoutesTest, LabelOfARoutedRequestIsStrayHereAndKnownThere) {
  startBoth(named("here"), named("there"));
  route("B", other_->port());
  auto socket = client();
  socket.send(infer("B"));  // names no id: ours goes with it
  const auto head = socket.message();
  const auto at = head.find("\r\nx-request-id: ") + 16;
  const std::string id = head.substr(at, head.find('\r', at) - at);
  EXPECT_THAT(bodyOf(head), HasSubstr("x-request-id: " + id + "\r\n"));
  const std::string label = json{{"id", id}, {"error", 0.5}}.dump();
  ASSERT_TRUE(eventually([&] { return other_->counters().rows == 1; }));
  EXPECT_EQ(json::parse(admin("POST", "/feedback", label).body)["waiting"], 1);
  json stray;
  ASSERT_TRUE(eventually([&] {
    stray = json::parse(admin("GET", "/windows").body)["stray"];
    return stray.size() == 1;
  }));
  const Endpoint there(asio::ip::make_address("127.0.0.1"), other_->adminPort());
  for (const int known : {1, 0}) {
    const auto taken =
        call(there, "POST", "/feedback?relayed=1", stray.dump(), Milliseconds{20'000});
    EXPECT_EQ(json::parse(taken->body)["taken"], known);
  }
  EXPECT_EQ(other_->observer().labels().total().n, 1);
}

TEST_F(RoutesTest, TableIsReplacedWhole) {
  startBoth(named("here"), named("there"));
  route("B", other_->port());
  auto socket = client();
  socket.send(infer("B"));
  EXPECT_THAT(bodyOf(socket.message()), StartsWith("there "));
  route("C", other_->port());
  EXPECT_EQ(json::parse(admin("GET", "/routes").body)["routes"].size(), 1u);
  socket.send(infer("B"));
  EXPECT_THAT(bodyOf(socket.message()), StartsWith("here "));
  socket.send(infer("C"));
  EXPECT_THAT(bodyOf(socket.message()), StartsWith("there "));
  EXPECT_THAT(set(R"({"routes":{}})"), StartsWith("HTTP/1.1 200"));
  socket.send(infer("C"));
  EXPECT_THAT(bodyOf(socket.message()), StartsWith("here "));
}

TEST_F(RoutesTest, OnlyWhoHasTheTokenMaySetThem) {
  start(named("here"));
  const std::string body = R"({"routes":{"B":"127.0.0.1:1"}})";
  for (const char* wrong : {"", "secret", "Bearer ", "Bearer secre", "Bearer secrets",
                            "Bearer SECRET", "Basic secret"}) {
    EXPECT_THAT(setOn(process_->adminPort(), body, wrong), StartsWith("HTTP/1.1 403")) << wrong;
  }
  EXPECT_EQ(admin("GET", "/routes").body, R"({"routes":{}})");
  EXPECT_THAT(set(body), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(admin("GET", "/routes").body, body);
}

TEST_F(RoutesTest, WithoutATokenNobodyMay) {
  options_.routesToken.clear();
  start(named("here"));
  for (const char* any : {"", "Bearer ", "Bearer secret"}) {
    EXPECT_THAT(setOn(process_->adminPort(), R"({"routes":{}})", any), StartsWith("HTTP/1.1 403"));
  }
}

TEST_F(RoutesTest, WrongEntriesAreNamedAndChangeNothing) {
  start(named("here"));
  ASSERT_THAT(set(R"({"routes":{"A":"127.0.0.1:1"}})"), StartsWith("HTTP/1.1 200"));
  for (const char* target :
       {"\"nowhere\"", "\"example.com:80\"", "\"127.0.0.1\"", "\"127.0.0.1:0\"",
        "\"127.0.0.1:70000\"", "\"0.0.0.0:80\"", "\"[::]:80\"", "\"224.0.0.1:80\"", "80", "null"}) {
    const auto got = set("{\"routes\":{\"A\":\"127.0.0.1:2\",\"B\":" + std::string(target) + "}}");
    EXPECT_THAT(got, StartsWith("HTTP/1.1 400")) << target;
    EXPECT_THAT(got, HasSubstr("routes['B']")) << target;
  }
  EXPECT_THAT(set(R"({"routes":{"a b":"127.0.0.1:1"}})"), HasSubstr("routes['a b']"));
  for (const char* body : {"", "[]", "{}", "{\"routes\":[]}"})
    EXPECT_THAT(set(body), StartsWith("HTTP/1.1 400")) << body;
  json many = {{"routes", json::object()}};
  for (int i = 0; i < 65; ++i) many["routes"]["c" + std::to_string(i)] = "[::1]:80";
  EXPECT_THAT(set(many.dump()), HasSubstr("65 entries"));
  EXPECT_EQ(admin("GET", "/routes").body, R"({"routes":{"A":"127.0.0.1:1"}})");
}

TEST_F(RoutesTest, TableThatChangesAllTheTimeBreaksNoRequest) {
  options_.threads = 2;
  startBoth(named("here"), named("there"));
  RawServer third(named("third"));
  std::atomic<bool> done{false};
  std::thread changing([&] {
    for (int i = 0; !done; ++i) {
      const auto port = i % 4 == 0 ? other_->port() : i % 4 == 1 ? third.port() : closedPort();
      const json body = {{"routes", {{"B", "127.0.0.1:" + std::to_string(port)}}}};
      set(i % 4 == 3 ? R"({"routes":{}})" : body.dump());
    }
  });
  std::vector<std::thread> clients;
  std::atomic<int> good{0};
  for (int i = 0; i < 6; ++i) {
    clients.emplace_back([&, i] {
      auto socket = client();
      for (int k = 0; k < 100; ++k) {
        const std::string mark = std::to_string(i) + "." + std::to_string(k);
        socket.send(
            infer(k % 2 ? "B" : "A", mark + std::string(static_cast<std::size_t>(k) * 50, 'x')));
        const auto got = socket.message();
        if (got.starts_with("HTTP/1.1 200") &&
            got.find("\r\n\r\n" + mark + (k ? "x" : "")) != std::string::npos)
          ++good;
      }
    });
  }
  for (auto& one : clients) one.join();
  done = true;
  changing.join();
  EXPECT_EQ(good, 600);
  process_.reset();
  other_.reset();
}

}  // namespace
}  // namespace reprise::agent::monitor::testing
