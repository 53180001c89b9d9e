#include "runtime/health.h"

#include <gtest/gtest.h>

#include "runtime/http_routes.h"
#include "runtime/metered_client.h"
#include "runtime/testing/toy.h"

namespace reprise::runtime {
namespace {

using testing::FakeClient;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Metrics, CountsRequestsByTheirResult) {
  FakeClock clock;
  FakeClient inner;
  Metrics metrics;
  MeteredClient client(inner, metrics, clock);
  inner.onCall = [&](const std::string&, const std::string&, const std::string&) {
    clock.advance(Milliseconds{250});
  };
  ASSERT_TRUE(client.create(testing::toyKind(), "ns", testing::toyObject(1)));
  ASSERT_FALSE(client.get(testing::toyKind(), "ns", "missing"));
  const std::string text = metrics.text();
  EXPECT_TRUE(contains(
      text,
      "reprise_api_requests_total{resource=\"modeldeployments\",result=\"ok\",verb=\"create\"} 1"))
      << text;
  EXPECT_TRUE(contains(text, "result=\"NotFound\",verb=\"get\"} 1")) << text;
  EXPECT_TRUE(contains(text, "reprise_api_request_duration_seconds_sum{verb=\"create\"} 0.25"))
      << text;
}

TEST(Metrics, GaugesAreSetWhenTheyAreAskedFor) {
  Metrics metrics;
  bool leads = false;
  metrics.beforeText([&] { metrics.leader(leads); });
  EXPECT_TRUE(contains(metrics.text(), "reprise_leader 0"));
  leads = true;
  EXPECT_TRUE(contains(metrics.text(), "reprise_leader 1"));
}

TEST(Metrics, QueueDepthAndLagAreNamedByController) {
  Metrics metrics;
  metrics.queueDepth("training", 7);
  metrics.queueLag("training", Milliseconds{1500});
  EXPECT_TRUE(contains(metrics.text(), "reprise_queue_depth{controller=\"training\"} 7"));
  EXPECT_TRUE(
      contains(metrics.text(), "reprise_queue_lag_seconds_sum{controller=\"training\"} 1.5"));
}

TEST(HttpRoutes, TheExactAndThenTheLongestPathWins) {
  HttpRoutes routes;
  const auto says = [](const char* body) {
    return [body](const HttpCall&) { return HttpReply{200, body}; };
  };
  routes.add("GET", "/a/*", says("a"));
  routes.add("GET", "/a/b/*", says("ab"));
  routes.add("GET", "/a/b/c", says("exact"));
  const auto body = [&](const std::string& path) {
    return routes.answer({"GET", path, "", {}, ""}).body;
  };
  EXPECT_EQ(body("/a/x/y"), "a");
  EXPECT_EQ(body("/a/b/x"), "ab");
  EXPECT_EQ(body("/a/b/c"), "exact");
  EXPECT_EQ(routes.answer({"GET", "/a", "", {}, ""}).status, 404);
  EXPECT_EQ(routes.answer({"GET", "", "", {}, ""}).status, 404);
  EXPECT_EQ(routes.answer({"GET", "no-slash", "", {}, ""}).status, 404);
}

}  // namespace
}  // namespace reprise::runtime
