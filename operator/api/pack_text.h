// Numbers and texts as bytes: the lowest layer of pack.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace reprise::api::detail {

// 7 bits a byte, the lowest first.
void packNumber(std::string& out, std::uint64_t value);
// Digests and uids are random, so nothing compresses their digits: they are written as the bytes
// that they are of.
void packText(std::string& out, std::string_view text);

// Takes what the two wrote from the front of `in`; std::out_of_range where it is too short.
std::uint64_t unpackNumber(std::string_view& in);
std::string unpackText(std::string_view& in);

}  // namespace reprise::api::detail
