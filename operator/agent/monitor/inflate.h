// Copies of compressed bodies, made readable for the profile. What is forwarded stays as it was.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace reprise::agent::monitor {

// By Content-Encoding: "", "identity", "gzip", "x-gzip", "deflate". Nothing where the encoding is
// another one, the data is broken, or there would be more than `maxBytes`.
std::optional<std::string> decoded(std::string_view body, std::string_view encoding,
                                   std::size_t maxBytes);

}  // namespace reprise::agent::monitor
