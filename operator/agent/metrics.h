// metrics.json: what a step measured.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/result.h"

namespace reprise::agent {

inline constexpr std::size_t kMaxMetrics = 256;

// A flat object of finite numbers, as decimal strings. NotFound where there is no file;
// InvalidArgument names file, line and column of what is something else.
Expected<std::map<std::string, std::string>> readMetrics(const std::filesystem::path& path);

}  // namespace reprise::agent
