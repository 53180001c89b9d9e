#include "kube/resource.h"

#include <gtest/gtest.h>

namespace reprise::kube {
namespace {

TEST(Resource, PathsLeaveOutWhatIsEmpty) {
  EXPECT_EQ(resources::pods.path("a", "b"), "/api/v1/namespaces/a/pods/b");
  EXPECT_EQ(resources::jobs.path("a", "b", "status"), "/apis/batch/v1/namespaces/a/jobs/b/status");
  EXPECT_EQ(resources::jobs.path(""), "/apis/batch/v1/jobs");
  EXPECT_EQ((Resource{"", "v1", "Node", "nodes", false}.path("ignored", "n")), "/api/v1/nodes/n");
}

TEST(Resource, IsFoundByWhatAnObjectSays) {
  EXPECT_EQ(resources::find("reprise.dev/v1alpha1", "ModelVersion"), &resources::modelVersions);
  EXPECT_EQ(resources::find("v1", "Job"), nullptr);
}

}  // namespace
}  // namespace reprise::kube
