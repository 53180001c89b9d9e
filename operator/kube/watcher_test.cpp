// The state machine against scripts: rows of the checklist that a real server shows rarely. See
// docs/design/kubernetes.md.
#include "kube/watcher.h"

#include <set>

#include <gtest/gtest.h>

#include "kube/testing/scripted_transport.h"

namespace reprise::kube {
namespace {

using testing::Answer;
using testing::ScriptedTransport;
using State = Watcher::State;
using Strings = std::vector<std::string>;

std::string pod(const std::string& name, const std::string& version) {
  return R"({"metadata":{"namespace":"ns","name":")" + name + R"(","resourceVersion":")" + version +
         R"("}})";
}
std::string event(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}\n";
}
std::string bookmark(const std::string& version, bool initialEnd = false) {
  return event("BOOKMARK",
               R"({"metadata":{"resourceVersion":")" + version + "\"" +
                   (initialEnd ? R"(,"annotations":{"k8s.io/initial-events-end":"true"})" : "") +
                   "}}");
}
std::string status(int code, const std::string& reason, const std::string& more = "") {
  return R"({"kind":"Status","status":"Failure","message":"said so","reason":")" + reason +
         R"(","code":)" + std::to_string(code) + more + "}";
}
std::string list(const std::string& version, const Strings& pods, const std::string& next = "") {
  std::string items;
  for (const auto& one : pods) items += (items.empty() ? "" : ",") + one;
  return R"({"kind":"PodList","metadata":{"resourceVersion":")" + version + R"(","continue":")" +
         next + R"("},"items":[)" + items + "]}";
}
const std::string kTooLarge =
    R"(,"details":{"causes":[{"reason":"ResourceVersionTooLarge","message":"Too large resource version"}]})";

// What came out, one word each: "begin", "+a@5", "-a@6", "end", "failed".
struct Log : WatchSink {
  Strings words;
  void begin() override { words.push_back("begin"); }
  void apply(JsonView object) override { add("+", object); }
  void remove(JsonView object) override { add("-", object); }
  void end() override { words.push_back("end"); }
  void failed(const Error& error) override { words.push_back("failed"), lastError = error.message; }
  void add(const std::string& sign, const JsonView& object) {
    const JsonView meta = object.at("metadata");
    words.push_back(sign + meta.text("name") + "@" + meta.text("resourceVersion"));
  }
  std::string lastError;
};

class WatcherRows : public ::testing::Test {
 protected:
  WatcherRows() {
    Access access;
    access.server = "https://api";
    access.tls = []() -> Expected<http::TlsOptions> { return http::TlsOptions{}; };
    access.credentials = fixedCredentials("");
    connection = std::make_unique<ApiConnection>(
        access, [this](const http::TlsOptions&) { return transport; }, clock);
    watcher = std::make_unique<Watcher>(
        *connection, Watcher::Scope{resources::pods, "ns", "", ""}, log, WatchTiming{},
        Watcher::Environment{clock,
                             [this](Milliseconds time, std::stop_token) {
                               slept.push_back(time);
                               clock->advance(time);
                             },
                             7});
  }

  // A watch of an ordinary length, with these events, that the server ends in order.
  void watchOf(const std::string& events) {
    Answer answer;
    answer.body = events;
    answer.onEnd = [this] { clock->advance(std::chrono::minutes(5)); };
    transport->then(answer);
  }
  void then(int code, const std::string& body, http::Headers headers = {}) {
    Answer answer;
    answer.status = code;
    answer.body = body;
    answer.headers = std::move(headers);
    transport->then(answer);
  }
  void broken(const std::string& events, http::TransportError::Kind kind) {
    Answer answer;
    answer.body = events;
    answer.broken = http::TransportError{kind, Sent::Yes, "broken"};
    transport->then(answer);
  }
  // One connection each.
  void steps(int count) {
    for (int i = 0; i < count; ++i) watcher->step({});
  }
  // In state Watching at version 10 with a Pod a.
  void synced() {
    watchOf(event("ADDED", pod("a", "5")) + bookmark("10", true));
    steps(1);
    ASSERT_EQ(watcher->state(), State::Watching);
    log.words.clear();
  }
  std::string query(std::size_t request) const { return transport->requests.at(request).url; }
  bool asks(std::size_t request, const std::string& part) const {
    const std::string url = query(request) + "&";
    return url.find("?" + part + "&") != std::string::npos ||
           url.find("&" + part + "&") != std::string::npos;
  }
  bool asksFor(std::size_t request, const std::string& name) const {
    return query(request).find("&" + name + "=") != std::string::npos ||
           query(request).find("?" + name + "=") != std::string::npos;
  }

  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  std::shared_ptr<ScriptedTransport> transport = std::make_shared<ScriptedTransport>();
  std::unique_ptr<ApiConnection> connection;
  Log log;
  std::vector<Milliseconds> slept;
  std::unique_ptr<Watcher> watcher;
};

TEST_F(WatcherRows, Row01_GoneAsStatusAndInStreamRelists) {
  synced();
  then(410, status(410, "Expired"));
  watchOf(event("ADDED", pod("b", "20")) + bookmark("21", true));
  steps(2);
  EXPECT_EQ(log.words, (Strings{"failed", "begin", "+b@20", "end"}));
  EXPECT_FALSE(asksFor(2, "resourceVersion")) << query(2);
  log.words.clear();
  watchOf(event("ERROR", status(410, "Expired")));
  watchOf(event("ADDED", pod("c", "30")) + bookmark("31", true));
  steps(2);
  EXPECT_EQ(log.words, (Strings{"failed", "begin", "+c@30", "end"}));
  EXPECT_EQ(watcher->resourceVersion(), "31");
}

TEST_F(WatcherRows, Row02_BookmarksAreAskedForAndOnlyAdvanceTheVersion) {
  synced();
  EXPECT_TRUE(asks(0, "allowWatchBookmarks=true"));
  watchOf(bookmark("99"));
  steps(1);
  EXPECT_EQ(log.words, Strings{});
  watchOf("");
  steps(1);
  EXPECT_TRUE(asks(2, "resourceVersion=99")) << query(2);
  EXPECT_TRUE(asks(2, "allowWatchBookmarks=true"));
}

TEST_F(WatcherRows, Row03_VersionsAreOpaque) {
  watchOf(bookmark("not-a number/é", true));
  watchOf(event("MODIFIED", pod("a", "7")));  // smaller, if it were a number
  steps(2);
  EXPECT_TRUE(asks(1, "resourceVersion=not-a%20number%2F%C3%A9")) << query(1);
  EXPECT_EQ(watcher->resourceVersion(), "7");
}

TEST_F(WatcherRows, Row04_ASyntheticEventIsNeverResumedFrom) {
  broken(event("ADDED", pod("z", "9")) + event("ADDED", pod("a", "3")),
         http::TransportError::Kind::Reset);
  watchOf(event("ADDED", pod("a", "3")) + bookmark("12", true));
  steps(2);
  EXPECT_EQ(log.words, (Strings{"begin", "+z@9", "+a@3", "failed", "begin", "+a@3", "end"}));
  EXPECT_FALSE(asksFor(1, "resourceVersion")) << query(1);
  EXPECT_TRUE(asks(1, "sendInitialEvents=true"));
}

TEST_F(WatcherRows, Row05_AVersionOfTheFutureRelists) {
  synced();
  then(504, status(504, "Timeout", kTooLarge));
  watchOf(bookmark("3", true));
  watchOf(event("ERROR", status(504, "Timeout", kTooLarge)));
  watchOf(bookmark("4", true));
  steps(4);
  EXPECT_EQ(log.words, (Strings{"failed", "begin", "end", "failed", "begin", "end"}));
  EXPECT_FALSE(asksFor(2, "resourceVersion")) << query(2);
}

// After a restore of etcd versions go back, and a watch from one of the future waits in silence.
TEST_F(WatcherRows, Row06_AFreshPictureComesWithinTheHourThoughNothingHappens) {
  synced();
  const auto begin = clock->now();
  while (clock->now() - begin < std::chrono::minutes(25)) {
    watchOf("");
    steps(1);
    EXPECT_FALSE(asksFor(transport->requests.size() - 1, "sendInitialEvents")) << "rarely";
  }
  clock->advance(std::chrono::minutes(35));
  watchOf(bookmark("2", true));
  steps(1);
  EXPECT_EQ(log.words, (Strings{"begin", "end"}));
  EXPECT_FALSE(asksFor(transport->requests.size() - 1, "resourceVersion"));
  EXPECT_EQ(watcher->resourceVersion(), "2");
}

// Of a server that may be behind, or of its cache (resourceVersion=0), nothing is taken: only a
// consistent read cannot be older than what was seen of another server.
TEST_F(WatcherRows, Row07_AFreshPictureIsStreamedConsistentlyAndNeverAnOlderOne) {
  synced();
  then(410, status(410, "Expired"));
  watchOf(event("ADDED", pod("a", "5")) + bookmark("12", true));
  steps(2);
  const std::size_t streamed = transport->requests.size() - 1;
  EXPECT_TRUE(asks(streamed, "sendInitialEvents=true"));
  EXPECT_FALSE(asksFor(streamed, "resourceVersion"));
  EXPECT_EQ(watcher->resourceVersion(), "12");
}

TEST_F(WatcherRows, Row07_AFreshPictureIsListedConsistentlyAndNeverAnOlderOne) {
  then(422, status(422, "Invalid"));  // no streaming lists
  then(200, list("30", {pod("a", "5")}));
  then(410, status(410, "Expired"));
  then(200, list("40", {pod("a", "5")}));
  steps(4);
  const std::size_t listed = transport->requests.size() - 1;
  EXPECT_TRUE(asks(listed, "limit=500"));
  EXPECT_FALSE(asksFor(listed, "resourceVersion"));
  EXPECT_EQ(watcher->resourceVersion(), "40");
}

TEST_F(WatcherRows, Row08_ExpiredPagesLeadToAWholeListAndLaterPagesCarryNoVersion) {
  then(422, status(422, "Invalid"));  // no streaming lists
  then(200, list("40", {pod("a", "1")}, "more"));
  then(410, status(410, "Expired"));
  then(200, list("41", {pod("b", "2"), pod("c", "3")}));
  steps(2);
  EXPECT_EQ(log.words, (Strings{"begin", "+a@1", "begin", "+b@2", "+c@3", "end"}));
  EXPECT_TRUE(asks(1, "limit=500"));
  EXPECT_FALSE(asksFor(1, "resourceVersion")) << "a first page must be consistent";
  EXPECT_TRUE(asks(2, "continue=more"));
  EXPECT_FALSE(asksFor(2, "resourceVersion")) << "the server refuses both";
  EXPECT_TRUE(asks(3, "limit=0"));
  EXPECT_FALSE(asksFor(3, "continue"));
  EXPECT_EQ(watcher->resourceVersion(), "41");
}

TEST_F(WatcherRows, Row09_AStreamingListIsFirstAndTheSameStreamGoesOnAsTheWatch) {
  watchOf(event("ADDED", pod("a", "5")) + event("MODIFIED", pod("a", "6")) + bookmark("7") +
          event("DELETED", pod("x", "8")) + bookmark("10", true) +
          event("MODIFIED", pod("a", "11")));
  steps(1);
  EXPECT_TRUE(asks(0, "sendInitialEvents=true"));
  EXPECT_TRUE(asks(0, "resourceVersionMatch=NotOlderThan"));
  EXPECT_EQ(log.words, (Strings{"begin", "+a@5", "+a@6", "-x@8", "end", "+a@11"}));
  EXPECT_EQ(watcher->resourceVersion(), "11");
}

TEST_F(WatcherRows, Row09_AServerThatCannotStreamIsListedFromThenOn) {
  then(422, status(422, "Invalid"));
  then(200, list("40", {pod("a", "1")}));
  then(410, status(410, "Expired"));
  then(200, list("60", {}));
  steps(4);
  EXPECT_EQ(log.words, (Strings{"begin", "+a@1", "end", "failed", "begin", "end"}));
  EXPECT_TRUE(asks(2, "resourceVersion=40"));
  EXPECT_TRUE(asks(3, "limit=500")) << "streaming is not tried again";
}

TEST_F(WatcherRows, Row09_AServerThatPassesTheWishOverIsListed) {
  watchOf(event("ADDED", pod("a", "5")));  // and ends, without the mark
  then(200, list("40", {pod("a", "5")}));
  steps(2);
  EXPECT_EQ(log.words, (Strings{"begin", "+a@5", "failed", "begin", "+a@5", "end"}));
}

TEST_F(WatcherRows, Row10_EveryWatchHasTheServersTimeoutAndOurIdleDeadlineFiveSecondsLater) {
  synced();
  std::set<long> drawn;
  for (int i = 0; i < 5; ++i) {
    watchOf("");
    steps(1);
    const std::string url = query(transport->requests.size() - 1);
    const long seconds = std::stol(url.substr(url.find("timeoutSeconds=") + 15));
    EXPECT_GE(seconds, 300);
    EXPECT_LE(seconds, 600);
    const auto idle = transport->idles.back();
    EXPECT_GE(idle, std::chrono::seconds(seconds + 5));
    EXPECT_LT(idle, std::chrono::seconds(seconds + 6));
    drawn.insert(seconds);
  }
  EXPECT_GT(drawn.size(), 1u) << "all watches of a fleet would end at once";
}

TEST_F(WatcherRows, Row10_ASilentWatchIsResumed) {
  synced();
  broken(event("MODIFIED", pod("a", "15")), http::TransportError::Kind::Timeout);
  watchOf("");
  steps(2);
  EXPECT_EQ(log.words, (Strings{"+a@15", "failed"}));
  EXPECT_TRUE(asks(2, "resourceVersion=15")) << query(2);
}

// Nothing starts before the first picture is there: it is not waited for as long as for a change.
TEST_F(WatcherRows, Row10_AStalledStreamingListIsGivenUpSoonAndListedInstead) {
  broken(event("ADDED", pod("a", "5")), http::TransportError::Kind::Timeout);
  then(200, list("40", {pod("a", "5")}));
  steps(2);
  ASSERT_EQ(transport->idles.size(), 1u);
  EXPECT_LE(transport->idles[0], std::chrono::seconds(30));
  EXPECT_EQ(log.words, (Strings{"begin", "+a@5", "failed", "begin", "+a@5", "end"}));
  EXPECT_TRUE(asks(1, "limit=500")) << query(1);
}

TEST_F(WatcherRows, Row10_OnceTheInitialEventsAreThroughTheStreamMayBeSilentForAsLongAsAWatch) {
  synced();
  ASSERT_EQ(transport->idles.size(), 2u) << "as it was opened, and after its initial events";
  EXPECT_LE(transport->idles[0], std::chrono::seconds(30));
  EXPECT_GE(transport->idles[1], std::chrono::seconds(305));
}

TEST_F(WatcherRows, Row06_AServerThatWentBackIsReadAnewAfterABrokenConnection) {
  synced();
  broken("", http::TransportError::Kind::Reset);
  then(200, list("7", {pod("b", "6")}, "more"));
  watchOf(event("ADDED", pod("b", "6")) + bookmark("7", true));
  steps(3);
  EXPECT_TRUE(asks(2, "limit=1")) << query(2);
  EXPECT_TRUE(asks(3, "sendInitialEvents=true")) << query(3);
  EXPECT_EQ(log.words, (Strings{"failed", "begin", "+b@6", "end"}));
}

TEST_F(WatcherRows, Row06_OneThatWentOnIsResumed) {
  for (const char* newest : {"10", "11", "100", "not a number"}) {
    synced();
    broken("", http::TransportError::Kind::Reset);
    then(200, list(newest, {}));
    watchOf("");
    steps(3);
    EXPECT_TRUE(asks(transport->requests.size() - 1, "resourceVersion=10")) << newest;
    watcher->step({});  // the script is at its end
    then(410, status(410, "Expired"));
    steps(2);
    ASSERT_EQ(watcher->state(), State::Start);
  }
}

TEST_F(WatcherRows, Row12_UnknownTypesArePassedOver) {
  synced();
  watchOf(event("SURPRISE", pod("a", "11")) + event("MODIFIED", pod("a", "12")));
  steps(1);
  EXPECT_EQ(log.words, Strings{"+a@12"});
}

TEST_F(WatcherRows, Row12_WhatCannotBeReadOrHasNoVersionRelists) {
  for (const std::string& bad :
       {std::string("{\"type\":\"ADDED\",\n"), std::string("[]\n"),
        event("MODIFIED", R"({"metadata":{"name":"a"}})"), event("BOOKMARK", "{}")}) {
    watchOf(bookmark("10", true) + bad);
    watchOf(bookmark("11", true));
    steps(2);
    EXPECT_EQ(log.words, (Strings{"begin", "end", "failed", "begin", "end"})) << bad;
    then(410, status(410, "Gone"));
    steps(1);
    log.words.clear();
  }
}

TEST_F(WatcherRows, Row12_AnErrorOfTheServerIsResumedWithAGrowingJitteredWait) {
  synced();
  for (int i = 0; i < 8; ++i) then(500, status(500, "InternalError"));
  steps(8);
  ASSERT_EQ(slept.size(), 8u);
  for (std::size_t i = 0; i < slept.size(); ++i) {
    const Milliseconds base = std::min(Milliseconds{30'000}, Milliseconds{800} * (1 << i));
    EXPECT_GE(slept[i], base);
    EXPECT_LE(slept[i], std::min(Milliseconds{30'000}, base * 2));
  }
  then(200, list("10", {}));
  watchOf("");
  steps(2);
  EXPECT_TRUE(asks(10, "resourceVersion=10"));
  clock->advance(std::chrono::minutes(3));
  then(500, status(500, "InternalError"));
  steps(1);
  EXPECT_LE(slept.back(), Milliseconds{1'600}) << "after a good while it starts over";
}

TEST_F(WatcherRows, Row12_AWatchThatEndsAtOnceIsWaitedForAndOneOfAnOrdinaryLengthIsNot) {
  synced();
  watchOf("");
  steps(1);
  EXPECT_TRUE(slept.empty());
  then(200, "");
  steps(1);
  EXPECT_EQ(slept.size(), 1u);
}

TEST_F(WatcherRows, Row12_ALineCutOffOnItsWayIsNotAnEvent) {
  synced();
  const std::string whole = event("MODIFIED", pod("a", "15"));
  watchOf(whole + whole.substr(0, whole.size() / 2));
  then(200, list("15", {}));
  watchOf("");
  steps(3);
  EXPECT_EQ(log.words, (Strings{"+a@15", "failed"}));
  EXPECT_TRUE(asks(3, "resourceVersion=15"));
}

TEST_F(WatcherRows, Row18_RetryAfterIsHonoured) {
  synced();
  then(429, "slow down", {{"retry-after", "17"}});
  steps(1);
  EXPECT_EQ(slept, std::vector<Milliseconds>{Milliseconds{17'000}});
}

TEST_F(WatcherRows, SelectorsAreAskedForEncodedInListsAndWatches) {
  watcher = std::make_unique<Watcher>(
      *connection, Watcher::Scope{resources::pods, "", "a in (b,c)", "x=y"}, log, WatchTiming{},
      Watcher::Environment{clock, [](Milliseconds, std::stop_token) {}, 7});
  then(422, status(422, "Invalid"));
  then(200, list("1", {}));
  steps(2);
  for (const std::size_t i : {0u, 1u}) {
    EXPECT_TRUE(asks(i, "labelSelector=a%20in%20%28b%2Cc%29")) << query(i);
    EXPECT_TRUE(asks(i, "fieldSelector=x%3Dy")) << query(i);
  }
  EXPECT_EQ(query(1).find("https://api/api/v1/pods?"), 0u);
}

}  // namespace
}  // namespace reprise::kube
