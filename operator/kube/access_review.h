// Who somebody is, and what he may do: asked of the API server, which knows.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kube/client.h"

namespace reprise::kube {

// As the API server knows a user; all of it takes part in what he may do.
struct Identity {
  std::string name, uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;
};

// Nothing where the token is not good for `audience`: a token for another audience, the API
// server's own too, is none. An error is one of asking.
Expected<std::optional<Identity>> reviewToken(Client& client, const std::string& token,
                                              const std::string& audience);

struct Deed {
  std::string verb, group, resource, subresource, ns, name;
};

Expected<bool> mayDo(Client& client, const Identity& who, const Deed& deed);

}  // namespace reprise::kube
