// A connection to the API server of $KUBECONFIG, and a namespace for each test.
#pragma once

#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "http/cpprest_transport.h"
#include "kube/http_client.h"
#include "kube/informer.h"

namespace reprise::kube {

inline const Resource kNamespaces{"", "v1", "Namespace", "namespaces", false};

inline void once() {
  static const bool done = [] {
    http::initialiseCpprest();
    return true;
  }();
  (void)done;
}

class ApiTest : public testing::Test {
 protected:
  void SetUp() override {
    once();
    auto access = findAccess();
    ASSERT_TRUE(access) << access.error().message;
    access_ = *access;
    connection_ = std::make_unique<ApiConnection>(access_, http::makeCpprestTransport);
    client_ = std::make_unique<HttpClient>(*connection_);
    ns_ = "api-test-" + std::to_string(std::random_device()());
    auto made = client_->create(
        kNamespaces, "",
        {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", ns_}}}});
    ASSERT_TRUE(made) << made.error().message;
  }
  void TearDown() override {
    if (client_) {
      EXPECT_TRUE(client_->remove(kNamespaces, "", ns_, {}));
    }
  }

  Json configMap(const std::string& name, const std::string& value) const {
    return {{"apiVersion", "v1"},
            {"kind", "ConfigMap"},
            {"metadata", {{"name", name}, {"namespace", ns_}, {"labels", {{"app", "test"}}}}},
            {"data", {{"key", value}}}};
  }
  static std::string version(const Json& object) { return object["metadata"]["resourceVersion"]; }

  Access access_;
  std::unique_ptr<ApiConnection> connection_;
  std::unique_ptr<HttpClient> client_;
  std::string ns_;
};

// Until it is true. Says no only after a minute, which only a failure takes.
template <class Condition>
bool eventually(Condition&& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (std::chrono::steady_clock::now() < until) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace reprise::kube
