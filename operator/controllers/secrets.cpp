#include "controllers/secrets.h"

#include "kube/pem.h"
#include "signals/signature.h"

namespace reprise::controllers {
namespace {

constexpr std::size_t kMaxEntries = 1024;

const kube::Resource kSecrets{"", "v1", "Secret", "secrets"};

}  // namespace

Expected<std::string> Secrets::read(const std::string& ns, const std::string& name,
                                    const std::string& key) {
  const std::string id = ns + "/" + name + "/" + key;
  {
    const std::lock_guard lock(mutex_);
    const auto it = entries_.find(id);
    if (it != entries_.end() && it->second.until > clock_.steady()) return it->second.text;
  }
  auto text = fetch(ns, name, key);
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= kMaxEntries) entries_.clear();
  entries_.insert_or_assign(id, Entry{text, clock_.steady() + kKeep});
  return text;
}

Expected<std::string> Secrets::fetch(const std::string& ns, const std::string& name,
                                     const std::string& key) {
  const auto secret = client_.get(kSecrets, ns, name);
  if (!secret) {
    auto error = secret.error();
    if (error.code == ErrorCode::NotFound)
      error.message = "Secret '" + name + "' is not in namespace '" + ns + "': create it";
    if (error.code == ErrorCode::Forbidden) {
      error.message = "the operator may not read Secret '" + name +
                      "': give it the right to get it, or install the chart with secrets.read=true";
    }
    return tl::unexpected(error);
  }
  const auto data = secret->find("data");
  const auto entry = data != secret->end() && data->is_object() ? data->find(key) : data;
  if (data == secret->end() || !data->is_object() || entry == data->end() || !entry->is_string())
    return fail(ErrorCode::NotFound, "Secret '" + name + "' has no key '" + key + "'");
  const auto& encoded = entry->get_ref<const std::string&>();
  if (encoded.empty()) return std::string();
  return kube::decodeBase64(encoded, "Secret '" + name + "', key '" + key + "'");
}

Expected<std::string> signingKey(const std::string& text, const std::string& secret) {
  const std::string prefix = "whsec_";
  std::string out = text;
  while (!out.empty() && (out.back() == '\n' || out.back() == '\r')) out.pop_back();
  if (out.starts_with(prefix)) {
    auto decoded = kube::decodeBase64(out.substr(prefix.size()), "");
    if (!decoded) {
      return fail(ErrorCode::InvalidArgument,
                  "Secret '" + secret + "': what follows whsec_ is not base64");
    }
    out = std::move(*decoded);
  }
  if (out.size() < signals::kMinKey) {
    return fail(ErrorCode::InvalidArgument, "Secret '" + secret + "': the key must have at least " +
                                                std::to_string(signals::kMinKey) + " bytes");
  }
  return out;
}

std::string secretReason(ErrorCode code) {
  switch (code) {
    case ErrorCode::NotFound: return "SecretNotFound";
    case ErrorCode::Forbidden: return "SecretForbidden";
    case ErrorCode::InvalidArgument: return "SecretMalformed";
    default: return "SecretUnavailable";
  }
}

}  // namespace reprise::controllers
