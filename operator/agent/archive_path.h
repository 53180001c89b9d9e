// Which paths of an archive are safe.
#pragma once

#include <filesystem>

namespace reprise::agent {

// Relative, with at least one part, and none of them "..", "." or empty.
bool goesDown(const std::filesystem::path& name);

// By its text: a relative target that, from where the link `name` is, does not climb above the
// root.
bool linkStaysInside(const std::filesystem::path& name, const std::filesystem::path& target);

// In the file system, through every link on the way: `name` below `root` ends below `root`. A link
// to nothing, and one in a circle, end where they stop.
bool resolvesInside(const std::filesystem::path& root, const std::filesystem::path& name);

}  // namespace reprise::agent
