// Typed requests to the API server: objects in, objects out. No retries inside: who calls knows
// whether a second try is safe. Safe to use from many threads.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "kube/resource.h"

namespace reprise::kube {

using Json = nlohmann::json;

struct ApplyOptions {
  std::string subresource;  // "" or "status"
  std::string fieldManager = "reprise";
  bool force = true;  // take fields over from other managers
};

struct DeleteOptions {
  std::string uid;              // precondition: only this very object
  std::string resourceVersion;  // precondition: only as it was seen; "" = whichever
  std::string propagation = "Background";
};

class Client {
 public:
  virtual ~Client() = default;

  virtual Expected<Json> get(const Resource&, std::string_view ns, std::string_view name) = 0;
  virtual Expected<Json> create(const Resource&, std::string_view ns, const Json& object) = 0;
  // Server-side apply of what is in `object` (needs apiVersion, kind, metadata.name). With
  // metadata.resourceVersion set, a write in between is refused with Conflict.
  virtual Expected<Json> apply(const Resource&, std::string_view ns, const Json& object,
                               const ApplyOptions& = {}) = 0;
  // PUT of a whole object that was read before: only for kinds that nobody else extends (Lease).
  virtual Expected<Json> replace(const Resource&, std::string_view ns, const Json& object) = 0;
  // RFC 7386 merge patch.
  virtual Expected<Json> mergePatch(const Resource&, std::string_view ns, std::string_view name,
                                    const Json& patch, std::string_view subresource = {}) = 0;
  // Success also where the object was gone already.
  virtual Expected<void> remove(const Resource&, std::string_view ns, std::string_view name,
                                const DeleteOptions&) = 0;
};

}  // namespace reprise::kube
