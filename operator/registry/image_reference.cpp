#include "registry/image_reference.h"

#include <regex>

#include "base/digest.h"

namespace reprise::registry {
namespace {

auto bad(std::string_view text, const std::string& what) {
  return fail(ErrorCode::InvalidArgument,
              "spec.environment.image: '" + std::string(text) + "' " + what +
                  "; write registry/repository:tag or registry/repository@sha256:<64 hex digits>");
}

}  // namespace

std::string ImageReference::pinned(const std::string& to) const { return written + "@" + to; }

Expected<ImageReference> parseImageReference(std::string_view text) {
  if (text.empty()) return bad(text, "is empty");
  ImageReference out;
  std::string rest(text);
  if (const auto at = rest.find('@'); at != std::string::npos) {
    out.digest = rest.substr(at + 1);
    if (!isOciDigest(out.digest))
      return bad(text, "has a digest that is not sha256:<64 hex digits>");
    rest.resize(at);
  }
  // a colon after the last slash begins the tag, one before it a port
  const auto slash = rest.rfind('/');
  const auto colon = rest.rfind(':');
  if (colon != std::string::npos && (slash == std::string::npos || colon > slash)) {
    out.tag = rest.substr(colon + 1);
    rest.resize(colon);
    static const std::regex tag("[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}");
    if (!std::regex_match(out.tag, tag)) return bad(text, "has a malformed tag");
  }
  out.written = rest;
  if (out.tag.empty() && out.digest.empty()) out.tag = "latest";
  const auto first = rest.find('/');
  const std::string head = first == std::string::npos ? std::string() : rest.substr(0, first);
  const bool isHost = head.find_first_of(".:") != std::string::npos || head == "localhost";
  out.registry = isHost ? head : "docker.io";
  out.repository = isHost ? rest.substr(first + 1) : rest;
  if (!isHost && first == std::string::npos) out.repository = "library/" + rest;
  static const std::regex repository("[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*");
  if (!std::regex_match(out.repository, repository))
    return bad(text, "has a malformed repository (lower case letters, digits, . _ - and /)");
  return out;
}

}  // namespace reprise::registry
