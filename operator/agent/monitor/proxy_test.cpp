// What a client and a model server see of a monitor between them.
#include <gmock/gmock.h>

#include "agent/monitor/testing/proxy_fixture.h"

namespace reprise::agent::monitor::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(ProxyTest, RequestAndAnswerPassAsTheyAre) {
  start(echo);
  auto socket = client();
  socket.send(
      "PATCH /any/path?q=1&r=%20 HTTP/1.1\r\nHost: some.where\r\nX-Odd: a, b;c=\"d\"\r\nX-Odd: "
      "again\r\n"
      "Content-Length: 5\r\n\r\nhello");
  const auto got = socket.message();
  EXPECT_THAT(got, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(bodyOf(got),
            "PATCH /any/path?q=1&r=%20 HTTP/1.1\r\nHost: some.where\r\nX-Odd: a, "
            "b;c=\"d\"\r\nX-Odd: again\r\n"
            "Content-Length: 5\r\n\r\nhello");
}

TEST_F(ProxyTest, AnswerNamesVersionAndRequest) {
  start(echo);
  auto socket = client();
  socket.send("GET / HTTP/1.1\r\nHost: m\r\n\r\n");
  const auto first = socket.message();
  EXPECT_THAT(first, HasSubstr("\r\nx-reprise-version: fuel-1\r\n"));
  EXPECT_THAT(first, HasSubstr("\r\nx-request-id: "));
  socket.send("GET / HTTP/1.1\r\nHost: m\r\nX-Request-Id: mine-7\r\n\r\n");
  EXPECT_THAT(socket.message(), HasSubstr("\r\nx-request-id: mine-7\r\n"));
}

TEST_F(ProxyTest, KeptConnectionsOnBothSidesAreUsedAgain) {
  start(echo);
  auto socket = client();
  for (int i = 0; i < 5; ++i) {
    socket.send(post("/n" + std::to_string(i), "x"));
    EXPECT_THAT(bodyOf(socket.message()), StartsWith("POST /n" + std::to_string(i)));
  }
  EXPECT_EQ(server_->connections(), 1);
}

TEST_F(ProxyTest, PipelinedRequestsAreAnsweredInOrder) {
  start(echo);
  auto socket = client();
  std::string all;
  for (int i = 0; i < 20; ++i)
    all += post("/p" + std::to_string(i), std::string(static_cast<std::size_t>(i) * 400, 'b'));
  socket.send(all);
  for (int i = 0; i < 20; ++i)
    EXPECT_THAT(bodyOf(socket.message()), StartsWith("POST /p" + std::to_string(i) + " "));
}

TEST_F(ProxyTest, ChunkedBodiesPassBothWaysWithExtensionsAndTrailers) {
  const std::string body = "5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n";
  std::string seen;
  start([&](RawSocket& socket, int) {
    const auto head = socket.until("\r\n\r\n");
    seen = head + socket.until("X-Sum: 1\r\n\r\n");
    socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body);
    socket.message();
  });
  auto socket = client();
  socket.send("POST /c HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const char c : body) socket.send(std::string(1, c));
  socket.until("\r\n\r\n");
  EXPECT_EQ(socket.until("X-Sum: 1\r\n\r\n"), body);
  EXPECT_THAT(seen, ::testing::EndsWith("\r\n\r\n" + body));
}

TEST_F(ProxyTest, HeadAndEmptyAnswersHaveNoBody) {
  start([](RawSocket& socket, int) {
    while (true) {
      const auto request = socket.message();
      if (request.empty()) return;
      if (request.starts_with("HEAD"))
        socket.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
      else if (request.starts_with("DELETE"))
        socket.send("HTTP/1.1 204 No Content\r\n\r\n");
      else
        socket.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\n\r\n");
    }
  });
  auto socket = client();
  for (const char* method : {"HEAD", "DELETE", "GET", "HEAD"}) {
    socket.send(std::string(method) + " / HTTP/1.1\r\nHost: m\r\n\r\n");
    EXPECT_THAT(socket.message(true), StartsWith("HTTP/1.1 "));
  }
}

TEST_F(ProxyTest, AnswerWithoutLengthEndsWithTheConnection) {
  start([](RawSocket& socket, int) {
    socket.message();
    socket.send("HTTP/1.1 200 OK\r\n\r\nto the ");
    socket.send("end");
    socket.close();
  });
  auto socket = client();
  socket.send("GET / HTTP/1.1\r\nHost: m\r\n\r\n");
  const auto got = socket.toEnd();
  EXPECT_THAT(got, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_EQ(bodyOf(got), "to the end");
}

TEST_F(ProxyTest, Http10ClientIsServedAndClosed) {
  start(echo);
  auto socket = client();
  socket.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_THAT(socket.toEnd(), HasSubstr("GET / HTTP/1.0"));
}

TEST_F(ProxyTest, ConnectionHeadersEndAtTheHop) {
  start(echo);
  auto socket = client();
  socket.send(
      "GET / HTTP/1.1\r\nHost: m\r\nConnection: close, X-Hop, Content-Length\r\nX-Hop: 1\r\nX-Far: "
      "2\r\nContent-Length: 0\r\n\r\n");
  const auto seen = bodyOf(socket.toEnd());
  EXPECT_THAT(seen, Not(HasSubstr("X-Hop")));
  EXPECT_THAT(seen, Not(HasSubstr("Connection:")));
  EXPECT_THAT(seen, HasSubstr("X-Far: 2"));
  EXPECT_THAT(seen, HasSubstr("Content-Length: 0"));
}

TEST_F(ProxyTest, ContinueIsPassedOnBeforeTheBodyIsSent) {
  start([](RawSocket& socket, int) {
    const auto head = socket.until("\r\n\r\n");
    socket.send("HTTP/1.1 100 Continue\r\n\r\n");
    const auto body = socket.exactly(5);
    socket.send(answer(head + body));
    socket.message();
  });
  auto socket = client();
  socket.send("POST / HTTP/1.1\r\nHost: m\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(socket.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  socket.send("hello");
  EXPECT_THAT(bodyOf(socket.message()), HasSubstr("Expect: 100-continue"));
}

TEST_F(ProxyTest, AnswerMayComeBeforeTheBodyIsWhole) {
  start([](RawSocket& socket, int) {
    socket.until("\r\n\r\n");
    socket.send(
        "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig");
    socket.toEnd();
  });
  auto socket = client();
  socket.send("POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 1000000\r\n\r\nabc");
  EXPECT_THAT(socket.message(), StartsWith("HTTP/1.1 413"));
  EXPECT_TRUE(socket.ended());
}

TEST_F(ProxyTest, UpgradedConnectionIsATunnelBothWays) {
  start([](RawSocket& socket, int) {
    const auto head = socket.until("\r\n\r\n");
    EXPECT_THAT(head, HasSubstr("Connection: Upgrade\r\n"));
    EXPECT_THAT(head, HasSubstr("Upgrade: websocket\r\n"));
    socket.send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
        "Upgrade\r\n\r\nfirst");
    const auto bytes = socket.exactly(4);
    socket.send("you said " + bytes);
    EXPECT_TRUE(socket.ended());  // the client's half-close came through
    socket.send(" bye");
  });
  auto socket = client();
  socket.send(
      "GET /ws HTTP/1.1\r\nHost: m\r\nConnection: keep-alive, Upgrade\r\nUpgrade: "
      "websocket\r\n\r\n");
  const auto head = socket.until("\r\n\r\n");
  EXPECT_THAT(head, StartsWith("HTTP/1.1 101"));
  EXPECT_THAT(head, HasSubstr("Connection: Upgrade\r\n"));
  EXPECT_EQ(socket.exactly(5), "first");
  socket.send(std::string("\x01\x00\xff\n", 4));
  EXPECT_EQ(socket.exactly(13), "you said " + std::string("\x01\x00\xff\n", 4));
  socket.shutdownSend();
  EXPECT_EQ(socket.toEnd(), " bye");
}

TEST_F(ProxyTest, LargeBodiesStreamThroughInBoundedMemory) {
  constexpr std::size_t kSize = 64 << 20;
  start([](RawSocket& socket, int) {
    socket.until("\r\n\r\n");
    std::size_t sum = 0;
    for (std::size_t left = kSize; left > 0;) {
      const auto part = socket.exactly(std::min<std::size_t>(left, 1 << 20));
      if (part.empty()) return;
      for (const char c : part) sum += static_cast<unsigned char>(c);
      left -= part.size();
    }
    socket.send("HTTP/1.1 200 OK\r\nX-Sum: " + std::to_string(sum) +
                "\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n");
    const std::string part(1 << 20, 'd');
    for (std::size_t i = 0; i < kSize >> 20; ++i) socket.send(part);
    socket.message();
  });
  const auto resident = [] {
    std::ifstream in("/proc/self/statm");
    std::size_t pages = 0, all = 0;
    in >> all >> pages;
    return pages * 4096;
  };
  auto socket = client();
  socket.send("POST /v2/models/fuel/infer HTTP/1.1\r\nHost: m\r\nContent-Length: " +
              std::to_string(kSize) + "\r\n\r\n");
  const auto before = resident();
  const std::string part(1 << 20, 'u');
  for (std::size_t i = 0; i < kSize >> 20; ++i) ASSERT_TRUE(socket.send(part));
  EXPECT_THAT(socket.until("\r\n\r\n"),
              HasSubstr("X-Sum: " + std::to_string(kSize * static_cast<std::size_t>('u'))));
  std::size_t got = 0;
  while (got < kSize) {
    const auto piece = socket.exactly(1 << 20);
    ASSERT_FALSE(piece.empty());
    got += piece.size();
  }
  EXPECT_LT(resident(), before + (24 << 20));  // this process is all three sides
  EXPECT_EQ(process_->counters().droppedLong, 1u);
}

TEST_F(ProxyTest, SlowHeadIsAnsweredWith408) {
  options_.headerLimit = Milliseconds{150};
  start(echo);
  auto socket = client();
  socket.send("GET / HTTP/1.1\r\nHost:");
  EXPECT_THAT(socket.toEnd(), StartsWith("HTTP/1.1 408"));
  EXPECT_EQ(process_->counters().clientTimeouts, 1u);
}

TEST_F(ProxyTest, SlowBodyIsAnsweredWith408) {
  options_.bodyIdle = Milliseconds{150};
  start(echo);
  auto socket = client();
  socket.send("POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_THAT(socket.toEnd(), StartsWith("HTTP/1.1 408"));
}

TEST_F(ProxyTest, IdleConnectionIsClosedInSilence) {
  options_.idleLimit = Milliseconds{100};
  start(echo);
  auto socket = client();
  EXPECT_TRUE(socket.ended());
}

TEST_F(ProxyTest, ServerThatIsDownIs503WithASentence) {
  startAt(closedPort());
  auto socket = client();
  socket.send(post("/v2/models/fuel/infer", "{}"));
  const auto got = socket.message();
  EXPECT_THAT(got, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(got, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_TRUE(nlohmann::json::parse(bodyOf(got)).contains("error"));
  socket.send("GET / HTTP/1.1\r\nHost: m\r\n\r\n");  // the connection is still good
  EXPECT_THAT(socket.message(), StartsWith("HTTP/1.1 503"));
}

TEST_F(ProxyTest, ServerThatDiesBeforeItsAnswerIs502) {
  start([](RawSocket& socket, int) { socket.until("\r\n\r\n"); });
  auto socket = client();
  socket.send("GET / HTTP/1.1\r\nHost: m\r\n\r\n");
  EXPECT_THAT(socket.message(), StartsWith("HTTP/1.1 502"));
  EXPECT_EQ(process_->counters().upstreamErrors, 1u);
}

TEST_F(ProxyTest, ServerThatDiesInItsAnswerCutsTheClientsToo) {
  start([](RawSocket& socket, int) {
    socket.until("\r\n\r\n");
    socket.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  });
  auto socket = client();
  socket.send("GET / HTTP/1.1\r\nHost: m\r\n\r\n");
  EXPECT_EQ(bodyOf(socket.toEnd()), "half");
}

TEST_F(ProxyTest, ServerThatDoesNotAnswerInTimeIs504) {
  options_.upstreamLimit = Milliseconds{150};
  start([](RawSocket& socket, int) { socket.toEnd(); });
  auto socket = client();
  socket.send("GET / HTTP/1.1\r\nHost: m\r\n\r\n");
  EXPECT_THAT(socket.message(), StartsWith("HTTP/1.1 504"));
}

TEST_F(ProxyTest, ServerThatSpeaksSomethingElseIs502) {
  start([](RawSocket& socket, int) {
    socket.until("\r\n\r\n");
    socket.send("SSH-2.0-OpenSSH\r\n\r\n");
    socket.toEnd();
  });
  auto socket = client();
  socket.send("GET / HTTP/1.1\r\nHost: m\r\n\r\n");
  EXPECT_THAT(socket.message(), StartsWith("HTTP/1.1 502"));
}

// Closes the connection as the second request comes, and says nothing.
RawServer::Serve staleOnce(std::atomic<int>& requests) {
  return [&requests](RawSocket& socket, int number) {
    for (int i = 0;; ++i) {
      const auto request = socket.message();
      if (request.empty()) return;
      ++requests;
      if (number == 0 && i == 1) return;
      socket.send(answer("from " + std::to_string(number)));
    }
  };
}

TEST_F(ProxyTest, StaleConnectionIsRetriedForAnIdempotentRequest) {
  std::atomic<int> requests{0};
  start(staleOnce(requests));
  auto socket = client();
  socket.send("GET /1 HTTP/1.1\r\nHost: m\r\n\r\n");
  EXPECT_EQ(bodyOf(socket.message()), "from 0");
  socket.send("PUT /2 HTTP/1.1\r\nHost: m\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_EQ(bodyOf(socket.message()), "from 1");
  EXPECT_EQ(process_->counters().upstreamRetries, 1u);
}

TEST_F(ProxyTest, RequestThatMayHaveBeenActedOnIsNotSentTwice) {
  std::atomic<int> requests{0};
  start(staleOnce(requests));
  auto socket = client();
  socket.send(post("/1", "a"));
  EXPECT_EQ(bodyOf(socket.message()), "from 0");
  socket.send(post("/2", "b"));
  EXPECT_THAT(socket.message(), StartsWith("HTTP/1.1 502"));
  EXPECT_EQ(requests, 2);
  EXPECT_EQ(process_->counters().upstreamRetries, 0u);
}

TEST_F(ProxyTest, ConnectionThatTheServerClosedWhileIdleIsNotUsed) {
  std::atomic<bool> closed{false};
  start([&](RawSocket& socket, int number) {
    socket.message();
    socket.send(answer("from " + std::to_string(number)));
    socket.close();
    closed = true;
  });
  auto socket = client();
  for (int i = 0; i < 3; ++i) {
    closed = false;
    socket.send(post("/", "a"));
    EXPECT_EQ(bodyOf(socket.message()), "from " + std::to_string(i));
    ASSERT_TRUE(eventually([&] { return closed.load(); }));
    std::this_thread::sleep_for(
        std::chrono::milliseconds(50));  // the news has to cross the loopback
  }
}

TEST_F(ProxyTest, AmbiguousRequestsAreRefused) {
  start(echo);
  for (const std::string head : {
           "POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 3, 3\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: m\r\nContent-Length: +3\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
           "identity\r\n\r\n",
           "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: m\r\nX: a\r\n folded\r\n\r\n",
           "GET / HTTP/1.1\r\nHost : m\r\n\r\n",
           "GET / HTTP/3.7\r\nHost: m\r\n\r\n",
           "nonsense\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
       }) {
    auto socket = client();
    socket.send(head);
    EXPECT_THAT(socket.toEnd(), StartsWith("HTTP/1.1 400")) << head;
  }
  EXPECT_EQ(server_->connections(), 0);
}

TEST_F(ProxyTest, TooLargeHeadIs431) {
  options_.maxHeaderBytes = 8192;
  start(echo);
  auto socket = client();
  socket.send("GET / HTTP/1.1\r\nHost: m\r\nX: " + std::string(9000, 'x'));
  EXPECT_THAT(socket.toEnd(), StartsWith("HTTP/1.1 431"));
}

TEST_F(ProxyTest, OneConnectionTooManyIsRefusedUnlessAnIdleOneCanGo) {
  options_.maxConnections = 2;
  std::atomic<bool> go{false};
  start([&](RawSocket& socket, int) {
    socket.message();
    while (!go) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    socket.send(answer("done"));
    socket.message();
  });
  auto first = client();
  ASSERT_TRUE(eventually([&] { return process_->counters().open == 1; }));
  auto second = client();
  second.send("GET / HTTP/1.1\r\nHost: m\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return process_->counters().inFlight == 1; }));
  auto third = client();  // takes the place of the first, which is idle
  EXPECT_TRUE(first.ended());
  third.send("GET / HTTP/1.1\r\nHost: m\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return process_->counters().inFlight == 2; }));
  auto fourth = client();
  EXPECT_THAT(fourth.toEnd(), StartsWith("HTTP/1.1 503"));
  go = true;
  EXPECT_EQ(bodyOf(second.message()), "done");
  EXPECT_EQ(bodyOf(third.message()), "done");
}

TEST_F(ProxyTest, DrainFinishesWhatIsUnderWayAndClosesIdleOnes) {
  std::atomic<bool> go{false};
  start([&](RawSocket& socket, int) {
    socket.message();
    while (!go) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    socket.send(answer("done"));
    socket.message();
  });
  auto idle = client();
  auto busy = client();
  busy.send("GET / HTTP/1.1\r\nHost: m\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return process_->counters().inFlight == 1; }));
  bool orderly = false;
  std::thread stopping([&] { orderly = process_->stop(); });
  EXPECT_TRUE(idle.ended());
  go = true;
  const auto got = busy.message();
  EXPECT_EQ(bodyOf(got), "done");
  EXPECT_THAT(got, HasSubstr("\r\nConnection: close\r\n"));
  busy.close();
  stopping.join();
  EXPECT_TRUE(orderly);
}

TEST_F(ProxyTest, DrainHasALimit) {
  options_.drainLimit = Milliseconds{100};
  start([](RawSocket& socket, int) { socket.toEnd(); });
  auto busy = client();
  busy.send("GET / HTTP/1.1\r\nHost: m\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return process_->counters().inFlight == 1; }));
  EXPECT_FALSE(process_->stop());
}

TEST_F(ProxyTest, SeveralThreadsShareThePort) {
  options_.threads = 3;
  start(echo);
  std::vector<std::thread> clients;
  std::atomic<int> good{0};
  for (int i = 0; i < 12; ++i) {
    clients.emplace_back([&, i] {
      auto socket = client();
      for (int k = 0; k < 20; ++k) {
        socket.send(post("/" + std::to_string(i), "x"));
        if (bodyOf(socket.message()).starts_with("POST /" + std::to_string(i) + " ")) ++good;
      }
    });
  }
  for (auto& one : clients) one.join();
  EXPECT_EQ(good, 240);
}

}  // namespace
}  // namespace reprise::agent::monitor::testing
