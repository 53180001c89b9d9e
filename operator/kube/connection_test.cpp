#include "kube/api_connection.h"

#include <gtest/gtest.h>

#include "kube/http_client.h"
#include "kube/testing/scripted_transport.h"

namespace reprise::kube {
namespace {

using testing::Answer;
using testing::ScriptedTransport;

// Gives the next token after each refusal.
struct Tokens : Credentials {
  explicit Tokens(std::vector<std::string> all) : tokens(std::move(all)) {}
  Expected<std::string> authorization() override { return "Bearer " + tokens[at]; }
  void refused(const std::string&) override { at = std::min(at + 1, tokens.size() - 1); }
  std::vector<std::string> tokens;
  std::size_t at = 0;
};

class Connection : public ::testing::Test {
 protected:
  std::unique_ptr<ApiConnection> make(std::vector<std::string> tokens) {
    Access access;
    access.server = "https://api";
    access.credentials = std::make_shared<Tokens>(std::move(tokens));
    access.tls = [this]() -> Expected<http::TlsOptions> { return tls; };
    return std::make_unique<ApiConnection>(
        access,
        [this](const http::TlsOptions&) {
          ++made;
          return transport;
        },
        clock);
  }
  void then(int status, const std::string& body = "{}", http::Headers headers = {}) {
    Answer answer;
    answer.status = status;
    answer.body = body;
    answer.headers = std::move(headers);
    transport->then(answer);
  }
  std::string sentWith(std::size_t request) const {
    for (const auto& [name, value] : transport->requests.at(request).headers) {
      if (name == "Authorization") return value;
    }
    return "";
  }
  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  std::shared_ptr<ScriptedTransport> transport = std::make_shared<ScriptedTransport>();
  Expected<http::TlsOptions> tls = http::TlsOptions{"ca", "cert", "key", "", false};
  int made = 0;
};

TEST_F(Connection, Row15_A401IsSentOnceMoreWithAnotherToken) {
  auto connection = make({"old", "new"});
  then(401);
  then(201);
  auto response = connection->send("POST", "/x", {}, "body", "application/json");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(sentWith(0), "Bearer old");
  EXPECT_EQ(sentWith(1), "Bearer new");
  EXPECT_EQ(transport->requests[1].body, "body");
  then(401);
  EXPECT_EQ(connection->send("GET", "/x")->status, 401)
      << "there is no other token: it is not sent again";
  EXPECT_TRUE(transport->done());
}

TEST_F(Connection, Row15_AWatchToo) {
  auto connection = make({"old", "new"});
  then(401);
  then(200, "line\n");
  EXPECT_TRUE(connection->stream("/x", {}, Milliseconds{1}, {}));
  EXPECT_EQ(sentWith(1), "Bearer new");
}

TEST_F(Connection, Row16_CertificatesAreReadAgainAndOnlyOthersMakeANewTransport) {
  auto connection = make({"t"});
  for (int i = 0; i < 4; ++i) then(200);
  ASSERT_TRUE(connection->send("GET", "/"));
  tls = http::TlsOptions{"other ca", "cert", "key", "", false};
  ASSERT_TRUE(connection->send("GET", "/"));
  EXPECT_EQ(made, 1) << "not within five minutes";
  clock->advance(std::chrono::minutes(5));
  ASSERT_TRUE(connection->send("GET", "/"));
  EXPECT_EQ(made, 2);
  clock->advance(std::chrono::minutes(5));
  ASSERT_TRUE(connection->send("GET", "/"));
  EXPECT_EQ(made, 2) << "the same ones";
}

TEST_F(Connection, Row16_CertificatesAreReadAgainAtOnceWhereTlsFails) {
  auto connection = make({"t"});
  then(200);
  Answer refused;
  refused.broken = http::TransportError{http::TransportError::Kind::Tls, Sent::No, "wrong CA"};
  transport->then(refused);
  then(200);
  ASSERT_TRUE(connection->send("GET", "/"));
  tls = http::TlsOptions{"other ca", "cert", "key", "", false};
  ASSERT_FALSE(connection->send("GET", "/"));
  EXPECT_EQ(made, 1);
  ASSERT_TRUE(connection->send("GET", "/"));
  EXPECT_EQ(made, 2);
}

TEST_F(Connection, Row16_ThoseInUseAreKeptWhileTheFilesAreBad) {
  auto connection = make({"t"});
  then(200);
  then(200);
  ASSERT_TRUE(connection->send("GET", "/"));
  tls = fail(ErrorCode::InvalidArgument, "ca.crt: is empty");
  clock->advance(std::chrono::minutes(5));
  EXPECT_TRUE(connection->send("GET", "/"));
  EXPECT_EQ(made, 1);
}

TEST_F(Connection, NothingElseIsTriedTwice) {
  auto connection = make({"a", "b"});
  for (const int status : {403, 409, 429, 500, 503}) {
    const auto before = transport->requests.size();
    then(status);
    EXPECT_EQ(connection->send("POST", "/x")->status, status);
    EXPECT_EQ(transport->requests.size(), before + 1);
  }
}

TEST_F(Connection, Row18_RetryAfterReachesWhoWrites) {
  auto connection = make({"t"});
  HttpClient client(*connection);
  then(429, "busy", {{"retry-after", "3"}});
  auto refused = client.create(resources::jobs, "ns", {{"metadata", {{"name", "a"}}}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::TooManyRequests);
  EXPECT_EQ(refused.error().retryAfter, Milliseconds{3'000});
  EXPECT_NE(refused.error().message.find("create Job ns/a"), std::string::npos)
      << refused.error().message;
}

TEST_F(Connection, AnAnswerToAWriteThatIsNoJsonMayHaveBeenActedOn) {
  auto connection = make({"t"});
  HttpClient client(*connection);
  then(200, "{\"cut");
  auto broken = client.mergePatch(resources::jobs, "ns", "a", Json::object());
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().sent, Sent::Yes);
}

TEST_F(Connection, ARequestWithoutANameIsRefusedHereForItWouldMeanAll) {
  auto connection = make({"t"});
  HttpClient client(*connection);
  EXPECT_EQ(client.remove(resources::jobs, "ns", "", {}).error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(client.get(resources::jobs, "ns", "").error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(client.apply(resources::jobs, "ns", Json::object()).error().code,
            ErrorCode::InvalidArgument);
  EXPECT_TRUE(transport->requests.empty());
}

TEST_F(Connection, ApplyAndDeleteSayWhatTheyMean) {
  auto connection = make({"t"});
  HttpClient client(*connection);
  then(200);
  then(200);
  ASSERT_TRUE(
      client.apply(resources::jobs, "ns", {{"metadata", {{"name", "a"}}}}, {"status", "me", true}));
  ASSERT_TRUE(client.remove(resources::jobs, "ns", "a", {"u", "5", "Foreground"}));
  const auto& apply = transport->requests[0];
  EXPECT_EQ(apply.method, "PATCH");
  EXPECT_EQ(apply.url,
            "https://api/apis/batch/v1/namespaces/ns/jobs/a/status?fieldManager=me&force=true");
  EXPECT_NE(std::find(apply.headers.begin(), apply.headers.end(),
                      std::pair<std::string, std::string>("Content-Type",
                                                          "application/apply-patch+yaml")),
            apply.headers.end());
  const Json options = Json::parse(transport->requests[1].body);
  EXPECT_EQ(options["preconditions"], (Json{{"uid", "u"}, {"resourceVersion", "5"}}));
  EXPECT_EQ(options["propagationPolicy"], "Foreground");
}

}  // namespace
}  // namespace reprise::kube
