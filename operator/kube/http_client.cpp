#include "kube/http_client.h"

#include "kube/json_text.h"
#include "kube/sent_json.h"
#include "kube/status.h"

namespace reprise::kube {
namespace {

constexpr const char* kJson = "application/json";
constexpr const char* kApply = "application/apply-patch+yaml";  // JSON is YAML
constexpr const char* kMerge = "application/merge-patch+json";
constexpr const char* kManager = "reprise";

std::string nameOf(const Json& object) { return text(at(object, "metadata"), "name"); }

std::string describe(const char* verb, const Resource& resource, std::string_view ns,
                     std::string_view name, std::string_view subresource = {}) {
  std::string out = std::string(verb) + " " + resource.kind + " ";
  if (!ns.empty()) out.append(ns).append("/");
  out.append(name);
  if (!subresource.empty()) out.append(" (").append(subresource).append(")");
  return out;
}

Expected<void> needName(const Json& object, const std::string& what) {
  if (!nameOf(object).empty()) return {};
  return fail(ErrorCode::InvalidArgument, what + ": metadata.name is empty; set it");
}

Expected<Json> parse(const std::string& body, const std::string& what) {
  Json out = parseSent(body);
  if (out.is_discarded()) {
    return fail(ErrorCode::Unavailable,
                what + ": the answer is no JSON (" + std::to_string(body.size()) + " bytes)");
  }
  return out;
}

// Bytes that are no UTF-8 must not throw: they are replaced, and the server sees the same as a
// reader of our logs.
std::string dump(const Json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Expected<Json> HttpClient::call(const Call& call) {
  auto response = connection_.send(call.method, call.path, call.query, call.body, call.contentType,
                                   deadline_, stop_);
  if (!response) {
    response.error().message = call.what + ": " + response.error().message;
    return tl::unexpected(response.error());
  }
  if (response->status >= 300 || response->status < 200)
    return tl::unexpected(toError(*response, call.what));
  auto out = parse(response->body, call.what);
  if (!out && call.method != "GET") out.error().sent = Sent::Yes;
  return out;
}

Expected<Json> HttpClient::get(const Resource& resource, std::string_view ns,
                               std::string_view name) {
  const std::string what = describe("get", resource, ns, name);
  if (name.empty()) return fail(ErrorCode::InvalidArgument, what + ": the name is empty; give one");
  return call({"GET", resource.path(ns, name), {}, {}, {}, what});
}

Expected<Json> HttpClient::create(const Resource& resource, std::string_view ns,
                                  const Json& object) {
  return call({"POST",
               resource.path(ns),
               {{"fieldManager", kManager}},
               dump(object),
               kJson,
               describe("create", resource, ns, nameOf(object))});
}

Expected<Json> HttpClient::apply(const Resource& resource, std::string_view ns, const Json& object,
                                 const ApplyOptions& options) {
  const std::string name = nameOf(object),
                    what = describe("apply", resource, ns, name, options.subresource);
  if (auto named = needName(object, what); !named) return tl::unexpected(named.error());
  return call(
      {"PATCH",
       resource.path(ns, name, options.subresource),
       {{"fieldManager", options.fieldManager}, {"force", options.force ? "true" : "false"}},
       dump(object),
       kApply,
       what});
}

Expected<Json> HttpClient::replace(const Resource& resource, std::string_view ns,
                                   const Json& object) {
  const std::string name = nameOf(object), what = describe("replace", resource, ns, name);
  if (auto named = needName(object, what); !named) return tl::unexpected(named.error());
  return call(
      {"PUT", resource.path(ns, name), {{"fieldManager", kManager}}, dump(object), kJson, what});
}

Expected<Json> HttpClient::mergePatch(const Resource& resource, std::string_view ns,
                                      std::string_view name, const Json& patch,
                                      std::string_view subresource) {
  const std::string what = describe("patch", resource, ns, name, subresource);
  if (name.empty()) return fail(ErrorCode::InvalidArgument, what + ": the name is empty; give one");
  return call({"PATCH",
               resource.path(ns, name, subresource),
               {{"fieldManager", kManager}},
               dump(patch),
               kMerge,
               what});
}

Expected<void> HttpClient::remove(const Resource& resource, std::string_view ns,
                                  std::string_view name, const DeleteOptions& options) {
  const std::string what = describe("delete", resource, ns, name);
  // Without a name it would be a deletion of all.
  if (name.empty()) return fail(ErrorCode::InvalidArgument, what + ": the name is empty; give one");
  Json body = {
      {"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"propagationPolicy", options.propagation}};
  if (!options.uid.empty()) body["preconditions"]["uid"] = options.uid;
  if (!options.resourceVersion.empty())
    body["preconditions"]["resourceVersion"] = options.resourceVersion;
  auto answer = call({"DELETE", resource.path(ns, name), {}, dump(body), kJson, what});
  if (!answer && answer.error().code != ErrorCode::NotFound) return tl::unexpected(answer.error());
  return {};
}

Expected<std::string> listPage(ApiConnection& connection, const Resource& resource,
                               std::string_view ns, const ListOptions& options,
                               const std::string& next, std::stop_token stop) {
  Query query{{"limit", std::to_string(options.pageSize)}};
  if (!options.labelSelector.empty()) query.emplace_back("labelSelector", options.labelSelector);
  if (!options.fieldSelector.empty()) query.emplace_back("fieldSelector", options.fieldSelector);
  if (!next.empty()) query.emplace_back("continue", next);
  auto response =
      connection.send("GET", resource.path(ns), query, {}, {}, Milliseconds{60'000}, stop);
  if (!response) return tl::unexpected(response.error());
  if (response->status != 200)
    return tl::unexpected(toError(*response, describe("list", resource, ns, resource.plural)));
  return std::move(response->body);
}

Expected<std::vector<Json>> HttpClient::list(const Resource& resource, std::string_view ns,
                                             const ListOptions& options) {
  const std::string what = describe("list", resource, ns, resource.plural);
  for (bool again = true;; again = false) {
    std::vector<Json> out;
    std::string next;
    for (;;) {
      const auto page = listPage(connection_, resource, ns, options, next, stop_);
      if (!page && again && page.error().code == ErrorCode::Gone) break;
      auto body = page ? parse(*page, what) : tl::unexpected(page.error());
      if (!body) return tl::unexpected(body.error());
      for (Json& item : (*body)["items"]) {
        item["apiVersion"] = resource.apiVersion();
        item["kind"] = resource.kind;
        out.push_back(std::move(item));
      }
      next = text(at(*body, "metadata"), "continue");
      if (next.empty()) return out;
    }
  }
}

}  // namespace reprise::kube
