#include "controllers/known_version.h"

#include <cstdint>
#include <cstring>
#include <stdexcept>

#include <spdlog/spdlog.h>

#include "api/codec.h"
#include "api/pack.h"
#include "controllers/trim.h"
#include "json/view.h"

namespace reprise::controllers {
namespace {

using nlohmann::json;

// The rest of it is in the KnownProfile.
json basisOf(json&& profile) { return {{"basis", std::move(profile["basis"])}}; }

}  // namespace

Expected<KnownVersion> decodeKnownVersion(JsonView object) {
  auto version = api::decodeModelVersion(object);
  if (!version) return tl::unexpected(version.error());
  KnownVersion out;
  out.version = std::move(*version);
  trim(out.version.meta, false);
  json& spec = out.version.spec.profile;
  if (!spec.is_object()) return out;
  if (auto profile = drift::ProfileDocument::fromJson(spec)) {
    out.profile = std::make_shared<const serving::KnownProfile>(std::move(*profile));
    spec = basisOf(std::move(spec));
  } else {
    // It can be served; it is only never compared with.
    spdlog::warn("ModelVersion {}/{}: spec.profile cannot be read: {}", out.version.meta.namespace_,
                 out.version.meta.name, profile.error().message);
  }
  return out;
}

// The text of the profile, its size first, and the version; without one the version alone.
std::string packKnownVersion(const KnownVersion& known) {
  const std::string text = known.profile ? known.profile->text : std::string();
  const auto size = static_cast<std::uint32_t>(text.size());
  std::string out(sizeof size, '\0');
  std::memcpy(out.data(), &size, sizeof size);
  return out.append(text).append(api::pack(known.version));
}

KnownVersion unpackKnownVersion(std::string_view bytes) {
  std::uint32_t size = 0;
  std::memcpy(&size, bytes.data(), sizeof size);
  const std::string_view text = bytes.substr(sizeof size, size);
  KnownVersion out;
  out.version = api::unpack<api::ModelVersion>(bytes.substr(sizeof size + size));
  if (text.empty()) return out;
  auto document = drift::ProfileDocument::fromJson(json::parse(text));
  if (!document) throw std::logic_error("a profile in a cache cannot be read: this is a bug");
  out.profile =
      std::make_shared<const serving::KnownProfile>(std::move(*document), std::string(text));
  return out;
}

}  // namespace reprise::controllers
