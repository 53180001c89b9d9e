// The kind of data that a version is for, as requests name it: {"vehicle": "A"}.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reprise::agent {

inline constexpr std::size_t kMaxContextEntries = 16;
inline constexpr std::size_t kMaxContextValue = 128;  // characters

// JSON text: a flat object of at most kMaxContextEntries strings; keys as keys of labels, values of
// 1 to kMaxContextValue printable ASCII characters. InvalidArgument names `where` (a file) and the
// key.
Expected<std::map<std::string, std::string>> parseContext(std::string_view text,
                                                          const std::string& where);

}  // namespace reprise::agent
