#include "controllers/caches.h"

#include <gtest/gtest.h>

namespace reprise::controllers {
namespace {

using kube::Json;

constexpr const char* kMuch = "a text of a user's, some kilobytes of it in a real cluster";

Json meta(const std::string& name) {
  return {{"name", name},
          {"namespace", "team"},
          {"uid", "u-" + name},
          {"resourceVersion", "7"},
          {"labels",
           {{"app.kubernetes.io/managed-by", "reprise"},
            {"reprise.dev/deployment", "fuel"},
            {"batch.kubernetes.io/job-name", "fuel-1"},
            {"theirs", kMuch}}},
          {"annotations", {{"reprise.dev/content", "abc"}, {"theirs/last-applied", kMuch}}},
          {"ownerReferences", Json::array({{{"uid", "one"}, {"name", "x"}},
                                           {{"uid", "two"}, {"name", "y"}, {"controller", true}}})},
          {"managedFields", Json::array({{{"manager", kMuch}}})},
          {"finalizers", {"theirs/x"}}};
}

template <class T>
std::shared_ptr<const T> kept(kube::Cache<T>& cache, const Json& object) {
  cache.sink().begin();
  cache.sink().apply(JsonText(object));
  cache.sink().end();
  return cache.get("team", "x");
}

// kserve#3467, argo-rollouts#2855: operators that kept all of it ended out of memory.
TEST(Caches, Row35_OfPodsOnlyWhatPlansLookAtIsKept) {
  Caches caches("");
  const auto pod =
      kept(caches.pods, {{"metadata", meta("x")},
                         {"spec", {{"containers", Json::array({{{"name", "a"}, {"env", kMuch}}})}}},
                         {"status", {{"phase", "Running"}}}});
  ASSERT_TRUE(pod);
  EXPECT_EQ(pod->phase, "Running");
  EXPECT_EQ(pod->meta.labels,
            (std::map<std::string, std::string>{{"reprise.dev/deployment", "fuel"},
                                                {"batch.kubernetes.io/job-name", "fuel-1"}}));
  EXPECT_EQ(pod->meta.annotations,
            (std::map<std::string, std::string>{{"reprise.dev/content", "abc"}}));
  ASSERT_EQ(pod->meta.owners.size(), 1u);
  EXPECT_EQ(pod->meta.owners[0].uid, "two");
  EXPECT_TRUE(pod->meta.finalizers.empty());
  EXPECT_EQ(caches.pods.byIndex(kOwner, "two").size(), 1u);
  EXPECT_EQ(caches.pods.byIndex(kApp, "team/fuel").size(), 1u);
}

TEST(Caches, Row35_OfJobsTheTemplateIsNotKept) {
  Caches caches("");
  const auto job = kept(
      caches.jobs, {{"metadata", meta("x")},
                    {"spec", {{"template", {{"spec", {{"containers", Json::array({kMuch})}}}}}}},
                    {"status", {{"succeeded", 1}}}});
  ASSERT_TRUE(job);
  EXPECT_EQ(job->succeeded, 1);
  EXPECT_TRUE(job->meta.labels.empty());
  EXPECT_EQ(job->meta.annotations.size(), 1u);
  EXPECT_EQ(caches.jobs.byIndex(kOwner, "two").size(), 1u);
}

TEST(Caches, Row35_NoCacheIsOfSecretsOrConfigMaps) {
  Caches caches("");
  for (const auto& [name, stats] : caches.stats()) {
    EXPECT_NE(name, "secrets");
    EXPECT_NE(name, "configmaps");
  }
  EXPECT_EQ(caches.stats().size(), 9u);
}

}  // namespace
}  // namespace reprise::controllers
