// The cache against the real server: with streaming lists, with lists, and through connections that
// fail.
#include <atomic>
#include <mutex>

#include "api_fixture.h"

namespace reprise::kube {
namespace {

using resources::configMaps;

Expected<Json> asIs(JsonView object) { return object.tree(); }

class CacheApi : public ApiTest {
 protected:
  CacheOptions options() const {
    return {.resource = configMaps, .ns = ns_, .labelSelector = "app=test"};
  }
  std::string valueOf(const Cache<Json>& cache, const std::string& name) const {
    const auto object = cache.get(ns_, name);
    return object ? (*object)["data"]["key"].get<std::string>() : "";
  }
};

TEST_F(CacheApi, ItHoldsWhatIsThereAndFollowsEachChange) {
  ASSERT_TRUE(client_->create(configMaps, ns_, configMap("old", "1")));
  Json unlabelled = configMap("other", "1");
  unlabelled["metadata"].erase("labels");
  ASSERT_TRUE(client_->create(configMaps, ns_, unlabelled));
  Cache<Json> cache(
      options(), asIs,
      {{"value", [](const Json& j) { return std::vector<std::string>{j["data"]["key"]}; }}});
  std::mutex mutex;
  std::vector<std::string> told;
  cache.onChange([&](const Change<Json>& change) {
    std::lock_guard lock(mutex);
    told.push_back(change.name + (change.initial ? " first" : "") +
                   (!change.old  ? " new"
                    : change.now ? " changed"
                                 : " gone"));
  });
  cache.start(*connection_);
  ASSERT_TRUE(cache.waitSynced({}));
  EXPECT_EQ(cache.list().size(), 1u);
  EXPECT_EQ(valueOf(cache, "old"), "1");

  ASSERT_TRUE(client_->create(configMaps, ns_, configMap("new", "2")));
  ASSERT_TRUE(eventually([&] { return valueOf(cache, "new") == "2"; }));
  ASSERT_TRUE(client_->mergePatch(configMaps, ns_, "new", {{"data", {{"key", "3"}}}}));
  ASSERT_TRUE(eventually([&] { return cache.byIndex("value", "3").size() == 1; }));
  EXPECT_TRUE(cache.byIndex("value", "2").empty());
  ASSERT_TRUE(client_->mergePatch(configMaps, ns_, "new",
                                  {{"metadata", {{"labels", {{"app", nullptr}}}}}}));
  ASSERT_TRUE(eventually([&] { return !cache.get(ns_, "new"); })) << "it is no longer selected";
  ASSERT_TRUE(client_->remove(configMaps, ns_, "old", {}));
  ASSERT_TRUE(eventually([&] { return cache.list().empty(); }));
  cache.stop();
  EXPECT_EQ(told, (std::vector<std::string>{"old first new", "new new", "new changed", "new gone",
                                            "old gone"}));
  EXPECT_EQ(cache.stats().relists, 1u);
  EXPECT_EQ(cache.stats().lastError, "");
}

TEST_F(CacheApi, OurOwnWriteIsWaitedFor) {
  Cache<Json> cache(options(), asIs);
  cache.start(*connection_);
  ASSERT_TRUE(cache.waitSynced({}));
  for (int i = 0; i < 50; ++i) {
    auto written = client_->apply(configMaps, ns_, configMap("a", std::to_string(i)));
    ASSERT_TRUE(written) << written.error().message;
    cache.noteWritten(ns_, "a", version(*written));
    ASSERT_TRUE(cache.waitCaughtUp(ns_, "a", {}));
    ASSERT_EQ(valueOf(cache, "a"), std::to_string(i));
  }
  // Also where it was made anew: the end of the old one is no proof.
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(client_->remove(configMaps, ns_, "a", {}));
    auto written = client_->create(configMaps, ns_, configMap("a", "again " + std::to_string(i)));
    ASSERT_TRUE(written) << written.error().message;
    cache.noteWritten(ns_, "a", version(*written));
    ASSERT_TRUE(cache.waitCaughtUp(ns_, "a", {}));
    ASSERT_EQ(valueOf(cache, "a"), "again " + std::to_string(i));
  }
}

// The watch would last minutes, beyond the time-out of the whole program.
TEST_F(CacheApi, AStopLeavesAWatchThatIsSilentAndIsNoFailure) {
  Cache<Json> cache(options(), asIs);
  cache.start(*connection_);
  ASSERT_TRUE(cache.waitSynced({}));
  cache.stop();
  EXPECT_EQ(cache.stats().restarts, 0u);
  EXPECT_TRUE(cache.hasSynced());
}

// Between us and the real server: changes what is asked.
class Meddler final : public http::Transport {
 public:
  Meddler(std::shared_ptr<http::Transport> inner, std::function<void(std::string& url)> change)
      : inner_(std::move(inner)), change_(std::move(change)) {}
  tl::expected<http::Response, http::TransportError> send(const http::Request& request,
                                                          Milliseconds deadline,
                                                          std::stop_token stop,
                                                          std::size_t max) override {
    return inner_->send(changed(request), deadline, stop, max);
  }
  tl::expected<std::unique_ptr<http::ByteStream>, http::TransportError> openStream(
      const http::Request& request, Milliseconds idle, std::stop_token stop) override {
    return inner_->openStream(changed(request), idle, stop);
  }

 private:
  http::Request changed(http::Request request) const {
    change_(request.url);
    return request;
  }
  std::shared_ptr<http::Transport> inner_;
  std::function<void(std::string&)> change_;
};

void replace(std::string& url, const std::string& from, const std::string& to) {
  if (const auto at = url.find(from); at != std::string::npos) url.replace(at, from.size(), to);
}

// A kind that begins to be served now: the server knows no versions from before.
class ForgetfulApi : public CacheApi {
 protected:
  void SetUp() override {
    CacheApi::SetUp();
    things_ = {ns_ + ".reprise.dev", "v1", "Thing", "things"};
    const Json schema = {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}};
    const Json crd = {{"apiVersion", "apiextensions.k8s.io/v1"},
                      {"kind", "CustomResourceDefinition"},
                      {"metadata", {{"name", "things." + things_.group}}},
                      {"spec",
                       {{"group", things_.group},
                        {"scope", "Namespaced"},
                        {"names", {{"kind", "Thing"}, {"plural", "things"}}},
                        {"versions", Json::array({{{"name", "v1"},
                                                   {"served", true},
                                                   {"storage", true},
                                                   {"schema", {{"openAPIV3Schema", schema}}}}})}}}};
    auto made = client_->create(kCrds, "", crd);
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_TRUE(eventually([&] { return client_->list(things_, ns_).has_value(); }));
  }
  void TearDown() override {
    EXPECT_TRUE(client_->remove(kCrds, "", "things." + things_.group, {}));
    CacheApi::TearDown();
  }
  Json thing(const std::string& name) const {
    return {
        {"apiVersion", things_.apiVersion()}, {"kind", "Thing"}, {"metadata", {{"name", name}}}};
  }
  const Resource kCrds{"apiextensions.k8s.io", "v1", "CustomResourceDefinition",
                       "customresourcedefinitions", false};
  Resource things_;
};

TEST_F(ForgetfulApi, AVersionTheServerHasForgottenLeadsToARelistThatTellsWhatVanished) {
  ASSERT_TRUE(client_->create(things_, ns_, thing("stays")));
  ASSERT_TRUE(client_->create(things_, ns_, thing("vanishes")));
  std::atomic<int> resumed{0};
  std::atomic<bool> vanished{false};
  ApiConnection through(access_, [&](const http::TlsOptions& tls) {
    return std::make_shared<Meddler>(http::makeCpprestTransport(tls), [&](std::string& url) {
      const auto at = url.find("&resourceVersion=");
      if (at == std::string::npos || resumed++ != 0) return;
      // Nobody watches: the first watch has ended, and the second is still here.
      EXPECT_TRUE(client_->remove(things_, ns_, "vanishes", {}));
      vanished = true;
      url = url.substr(0, at) + "&resourceVersion=1";
    });
  });
  CacheOptions brief{.resource = things_, .ns = ns_};
  brief.timing.watchMin = brief.timing.watchMax = std::chrono::seconds(1);
  brief.timing.backoffMin = brief.timing.backoffMax = std::chrono::milliseconds(10);
  Cache<Json> cache(brief, asIs);
  std::mutex mutex;
  std::vector<std::string> gone;
  cache.onChange([&](const Change<Json>& change) {
    std::lock_guard lock(mutex);
    if (!change.now) gone.push_back(change.name);
  });
  cache.start(through);
  ASSERT_TRUE(cache.waitSynced({}));
  EXPECT_EQ(cache.list().size(), 2u);
  ASSERT_TRUE(eventually([&] { return vanished && cache.stats().relistsDone >= 2; }))
      << cache.stats().lastError;
  EXPECT_FALSE(cache.get(ns_, "vanishes"));
  EXPECT_TRUE(cache.get(ns_, "stays"));
  cache.stop();
  EXPECT_EQ(gone, std::vector<std::string>{"vanishes"});
}

TEST_F(CacheApi, AServerWithoutStreamingListsIsListedInPages) {
  for (int i = 0; i < 7; ++i)
    ASSERT_TRUE(client_->create(configMaps, ns_, configMap("page-" + std::to_string(i), "1")));
  ApiConnection through(access_, [&](const http::TlsOptions& tls) {
    // Without resourceVersionMatch the server refuses sendInitialEvents, with the code of one that
    // does not know it.
    return std::make_shared<Meddler>(http::makeCpprestTransport(tls), [](std::string& url) {
      replace(url, "&resourceVersionMatch=NotOlderThan", "");
    });
  });
  CacheOptions paged = options();
  paged.timing.pageSize = 3;
  Cache<Json> cache(paged, asIs);
  cache.start(through);
  ASSERT_TRUE(cache.waitSynced({}));
  EXPECT_EQ(cache.list(ns_).size(), 7u);
  ASSERT_TRUE(client_->mergePatch(configMaps, ns_, "page-3", {{"data", {{"key", "2"}}}}));
  ASSERT_TRUE(eventually([&] { return valueOf(cache, "page-3") == "2"; }));
  EXPECT_EQ(cache.stats().relists, 1u);
}

TEST_F(CacheApi, WatchesThatEndAreResumedWithoutARelistAndWithoutALoss) {
  CacheOptions brief = options();
  brief.timing.watchMin = brief.timing.watchMax = std::chrono::seconds(1);
  brief.timing.backoffMin = brief.timing.backoffMax = std::chrono::milliseconds(10);
  Cache<Json> cache(brief, asIs);
  std::mutex mutex;
  std::vector<std::string> told;
  cache.onChange([&](const Change<Json>& change) {
    std::lock_guard lock(mutex);
    told.push_back((*change.now)["data"]["key"]);
  });
  cache.start(*connection_);
  ASSERT_TRUE(cache.waitSynced({}));
  std::vector<std::string> wanted;
  for (int i = 0; i < 40; ++i) {  // over several watches
    ASSERT_TRUE(client_->apply(configMaps, ns_, configMap("a", std::to_string(i))));
    wanted.push_back(std::to_string(i));
    std::this_thread::sleep_for(std::chrono::milliseconds(75));
  }
  ASSERT_TRUE(eventually([&] { return valueOf(cache, "a") == "39"; }));
  cache.stop();
  EXPECT_EQ(told, wanted);
  EXPECT_EQ(cache.stats().relists, 1u);
}

}  // namespace
}  // namespace reprise::kube
