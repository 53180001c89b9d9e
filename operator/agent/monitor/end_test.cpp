// How a monitor ends at a signal.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <gmock/gmock.h>

#include "agent/monitor/testing/proxy_fixture.h"

namespace reprise::agent::monitor::testing {
namespace {

using ::testing::StartsWith;

TEST_F(ProxyTest, LeavingIsNotReadyAtOnceAndStillTakesConnections) {
  start(echo);
  EXPECT_TRUE(eventually([&] { return admin("GET", "/readyz").status == 200; }));
  process_->leave();
  EXPECT_EQ(admin("GET", "/readyz").status, 503);
  EXPECT_EQ(admin("GET", "/healthz").status, 200);
  auto socket = client();
  socket.send(post("/late", "x"));
  EXPECT_THAT(bodyOf(socket.message()), StartsWith("POST /late"));
}

// runMonitor as the program runs it, in a process of its own.
class EndTest : public ProxyTest {
 protected:
  void run(Milliseconds linger) {
    options_.listen = "127.0.0.1:" + std::to_string(port_);
    options_.admin = "127.0.0.1:" + std::to_string(adminPort_);
    options_.upstream = "127.0.0.1:" + std::to_string(modelPort_);
    options_.linger = linger;
    child_ = ::fork();
    if (child_ == 0) ::_exit(runMonitor(options_).exitCode);
    server_ = std::make_unique<RawServer>(echo, modelPort_);
    ASSERT_TRUE(eventually([&] { return ready(); }));
  }
  bool ready() {
    const Endpoint endpoint(asio::ip::make_address("127.0.0.1"), adminPort_);
    const auto answer = call(endpoint, "GET", "/readyz", "", Milliseconds{5'000});
    return answer && answer->status == 200;
  }
  bool ended() { return ::waitpid(child_, &status_, WNOHANG) == child_; }
  void TearDown() override {
    if (!WIFEXITED(status_)) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    ProxyTest::TearDown();
  }

  const std::uint16_t port_ = closedPort(), adminPort_ = closedPort(), modelPort_ = closedPort();
  pid_t child_ = -1;
  int status_ = -1;
};

TEST_F(EndTest, AtSigtermItGoesOnForALittleAndThenDrains) {
  run(Milliseconds{1'500});
  const auto begin = Steady::now();
  ::kill(child_, SIGTERM);
  ASSERT_TRUE(eventually([&] { return !ready(); }));
  ASSERT_LT(Steady::now() - begin, std::chrono::milliseconds(1'200));
  {
    auto socket = RawSocket::connect(port_);
    socket.send(post("/late", "x"));
    EXPECT_THAT(bodyOf(socket.message()), StartsWith("POST /late"));
    EXPECT_TRUE(socket.ended());  // it is closed as the drain begins
  }
  ASSERT_TRUE(eventually([&] { return ended(); }));
  EXPECT_GE(Steady::now() - begin, std::chrono::milliseconds(1'400));
  EXPECT_EQ(WEXITSTATUS(status_), 0);
  EXPECT_THROW(RawSocket::connect(port_), std::runtime_error);
}

TEST_F(EndTest, SecondSignalEndsTheWait) {
  run(Milliseconds{600'000});
  ::kill(child_, SIGTERM);
  ASSERT_TRUE(eventually([&] { return !ready(); }));
  ::kill(child_, SIGTERM);
  ASSERT_TRUE(eventually([&] { return ended(); }));
  EXPECT_EQ(WEXITSTATUS(status_), 0);
}

}  // namespace
}  // namespace reprise::agent::monitor::testing
