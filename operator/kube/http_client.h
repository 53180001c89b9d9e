// Client over HTTP.
#pragma once

#include <functional>
#include <string>

#include "kube/api_connection.h"
#include "kube/client.h"

namespace reprise::kube {

struct ListOptions {
  std::string labelSelector, fieldSelector;
  int pageSize = 500;
};

// One page of a list as the server sent it. The first (`next` "") is consistent: no version is
// asked for. `next`: metadata.continue of the page before.
Expected<std::string> listPage(ApiConnection&, const Resource&, std::string_view ns,
                               const ListOptions&, const std::string& next,
                               std::stop_token stop = {});

class HttpClient final : public Client {
 public:
  // `connection` outlives it. A request takes at most `deadline`.
  explicit HttpClient(ApiConnection& connection, Milliseconds deadline = Milliseconds{30'000},
                      std::stop_token stop = {})
      : connection_(connection), deadline_(deadline), stop_(std::move(stop)) {}

  Expected<Json> get(const Resource&, std::string_view ns, std::string_view name) override;
  Expected<Json> create(const Resource&, std::string_view ns, const Json& object) override;
  Expected<Json> apply(const Resource&, std::string_view ns, const Json& object,
                       const ApplyOptions& = {}) override;
  Expected<Json> replace(const Resource&, std::string_view ns, const Json& object) override;
  Expected<Json> mergePatch(const Resource&, std::string_view ns, std::string_view name,
                            const Json& patch, std::string_view subresource = {}) override;
  Expected<void> remove(const Resource&, std::string_view ns, std::string_view name,
                        const DeleteOptions&) override;
  // All pages. Where the list expires between two, it begins anew, once. Each with apiVersion and
  // kind, which the server leaves out in lists.
  Expected<std::vector<Json>> list(const Resource&, std::string_view ns, const ListOptions& = {});

 private:
  struct Call {
    std::string method, path;
    Query query;
    std::string body, contentType;
    std::string what;  // for messages
  };
  Expected<Json> call(const Call& call);

  ApiConnection& connection_;
  const Milliseconds deadline_;
  const std::stop_token stop_;
};

}  // namespace reprise::kube
