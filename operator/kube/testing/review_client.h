// An API server that only answers reviews and hands out Secrets, for tests.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "kube/client.h"

namespace reprise::kube::testing {

class ReviewClient : public Client {
 public:
  Json tokenStatus = {{"authenticated", false}}, accessStatus = {{"allowed", false}};
  std::map<std::string, Json> secrets;  // by "namespace/name"
  std::optional<Error> broken;
  std::vector<Json> asked;  // reviews, as they came

  Expected<Json> create(const Resource& resource, std::string_view, const Json& object) override {
    asked.push_back(object);
    if (broken) return tl::unexpected(*broken);
    Json out = object;
    out["status"] = resource.kind == "TokenReview" ? tokenStatus : accessStatus;
    return out;
  }
  Expected<Json> get(const Resource&, std::string_view ns, std::string_view name) override {
    if (broken) return tl::unexpected(*broken);
    const auto it = secrets.find(std::string(ns) + "/" + std::string(name));
    if (it == secrets.end()) return fail(ErrorCode::NotFound, "not found");
    return it->second;
  }
  Expected<Json> apply(const Resource&, std::string_view, const Json&,
                       const ApplyOptions&) override {
    return no();
  }
  Expected<Json> replace(const Resource&, std::string_view, const Json&) override { return no(); }
  Expected<Json> mergePatch(const Resource&, std::string_view, std::string_view, const Json&,
                            std::string_view) override {
    return no();
  }
  Expected<void> remove(const Resource&, std::string_view, std::string_view,
                        const DeleteOptions&) override {
    return fail(ErrorCode::Internal, "not here");
  }

 private:
  static Expected<Json> no() { return fail(ErrorCode::Internal, "not here"); }
};

}  // namespace reprise::kube::testing
