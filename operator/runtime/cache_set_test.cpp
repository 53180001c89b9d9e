#include "runtime/cache_set.h"

#include <vector>

#include <gtest/gtest.h>

namespace reprise::runtime {
namespace {

TEST(CacheSet, EachKindHasItsOwnCacheAndAKindWithoutOneIsNotWaitedFor) {
  CacheSet set;
  std::vector<std::string> noted;
  bool caughtUp = false;
  set.add(kube::resources::jobs,
          {[&](const std::string& ns, const std::string& name, const std::string& version) {
             noted.push_back(ns + "/" + name + "@" + version);
           },
           [&](const std::string&, const std::string&) { return caughtUp; }});
  set.noteWritten(kube::resources::jobs, "ns", "a", "7");
  set.noteWritten(kube::resources::services, "ns", "b", "8");
  EXPECT_EQ(noted, std::vector<std::string>{"ns/a@7"});
  EXPECT_FALSE(set.caughtUp(kube::resources::jobs, "ns", "a"));
  EXPECT_TRUE(set.caughtUp(kube::resources::services, "ns", "b"));
  caughtUp = true;
  EXPECT_TRUE(set.caughtUp(kube::resources::jobs, "ns", "a"));
}

}  // namespace
}  // namespace reprise::runtime
