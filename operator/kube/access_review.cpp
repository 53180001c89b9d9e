#include "kube/access_review.h"

#include <algorithm>

#include "kube/json_text.h"

namespace reprise::kube {
namespace {

const Resource kTokenReviews{"authentication.k8s.io", "v1", "TokenReview", "tokenreviews", false};
const Resource kAccessReviews{"authorization.k8s.io", "v1", "SubjectAccessReview",
                              "subjectaccessreviews", false};

std::vector<std::string> texts(const Json& object, const char* key) {
  std::vector<std::string> out;
  const auto it = object.find(key);
  if (it == object.end() || !it->is_array()) return out;
  for (const auto& one : *it) {
    if (one.is_string()) out.push_back(one.get<std::string>());
  }
  return out;
}

bool isTrue(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_boolean() && it->get<bool>();
}

Json statusOf(const Json& answer) {
  const auto it = answer.find("status");
  return it != answer.end() && it->is_object() ? *it : Json::object();
}

}  // namespace

Expected<std::optional<Identity>> reviewToken(Client& client, const std::string& token,
                                              const std::string& audience) {
  const auto answer =
      client.create(kTokenReviews, "",
                    {{"apiVersion", kTokenReviews.apiVersion()},
                     {"kind", kTokenReviews.kind},
                     {"spec", {{"token", token}, {"audiences", Json::array({audience})}}}});
  if (!answer) return tl::unexpected(answer.error());
  const Json status = statusOf(*answer);
  if (!isTrue(status, "authenticated")) return std::nullopt;
  // An authenticator that knows no audiences says none: then the token was made for the API server.
  const auto audiences = texts(status, "audiences");
  if (std::find(audiences.begin(), audiences.end(), audience) == audiences.end())
    return std::nullopt;
  const auto user = status.find("user");
  if (user == status.end() || !user->is_object() || text(*user, "username").empty())
    return std::nullopt;
  Identity out{text(*user, "username"), text(*user, "uid"), texts(*user, "groups"), {}};
  if (const auto extra = user->find("extra"); extra != user->end() && extra->is_object()) {
    for (const auto& [key, value] : extra->items()) out.extra[key] = texts(*extra, key.c_str());
  }
  return out;
}

Expected<bool> mayDo(Client& client, const Identity& who, const Deed& deed) {
  Json spec = {{"user", who.name},
               {"groups", who.groups},
               {"resourceAttributes",
                {{"verb", deed.verb},
                 {"group", deed.group},
                 {"resource", deed.resource},
                 {"subresource", deed.subresource},
                 {"namespace", deed.ns},
                 {"name", deed.name}}}};
  if (!who.uid.empty()) spec["uid"] = who.uid;
  if (!who.extra.empty()) spec["extra"] = who.extra;
  const auto answer = client.create(
      kAccessReviews, "",
      {{"apiVersion", kAccessReviews.apiVersion()}, {"kind", kAccessReviews.kind}, {"spec", spec}});
  if (!answer) return tl::unexpected(answer.error());
  const Json status = statusOf(*answer);
  return isTrue(status, "allowed") && !isTrue(status, "denied");
}

}  // namespace reprise::kube
