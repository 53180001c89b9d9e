#include "agent/archive_path.h"

namespace reprise::agent {

namespace fs = std::filesystem;

bool goesDown(const fs::path& name) {
  if (name.empty() || name.is_absolute()) return false;
  for (const fs::path& part : name) {
    if (part == ".." || part == "." || part.empty()) return false;
  }
  return true;
}

bool linkStaysInside(const fs::path& name, const fs::path& target) {
  if (target.empty() || target.is_absolute()) return false;
  const fs::path end = (name.parent_path() / target).lexically_normal();
  return end.empty() || *end.begin() != "..";
}

bool resolvesInside(const fs::path& root, const fs::path& name) {
  std::error_code ec;
  const fs::path base = fs::canonical(root, ec);
  if (ec) return false;
  const fs::path end = fs::weakly_canonical(base / name, ec);
  if (ec == std::errc::too_many_symbolic_link_levels) return true;
  if (ec) return false;
  const fs::path way = end.lexically_relative(base);
  return !way.empty() && *way.begin() != "..";
}

}  // namespace reprise::agent
