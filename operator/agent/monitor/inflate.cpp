#include "agent/monitor/inflate.h"

#include <zlib.h>

#include <boost/beast/core/string.hpp>

namespace reprise::agent::monitor {
namespace {

std::optional<std::string> inflated(std::string_view body, int windowBits, std::size_t maxBytes) {
  z_stream stream{};
  if (inflateInit2(&stream, windowBits) != Z_OK) return std::nullopt;
  std::string out;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  int result = Z_OK;
  while (result == Z_OK) {
    char part[16384];
    stream.next_out = reinterpret_cast<Bytef*>(part);
    stream.avail_out = sizeof part;
    result = inflate(&stream, Z_NO_FLUSH);
    const std::size_t got = sizeof part - stream.avail_out;
    if (out.size() + got > maxBytes)
      result = Z_MEM_ERROR;  // a few bytes can hold gigabytes
    else
      out.append(part, got);
    if (result == Z_OK && got == 0) result = Z_DATA_ERROR;  // cut off
  }
  inflateEnd(&stream);
  if (result != Z_STREAM_END) return std::nullopt;
  return out;
}

bool same(std::string_view a, const char* b) {
  return boost::beast::iequals(boost::beast::string_view(a.data(), a.size()), b);
}

}  // namespace

std::optional<std::string> decoded(std::string_view body, std::string_view encoding,
                                   std::size_t maxBytes) {
  if (encoding.empty() || same(encoding, "identity")) return std::string(body);
  if (same(encoding, "gzip") || same(encoding, "x-gzip")) return inflated(body, 15 + 16, maxBytes);
  if (!same(encoding, "deflate")) return std::nullopt;
  if (auto out = inflated(body, 15, maxBytes)) return out;
  return inflated(body, -15, maxBytes);  // some send it without zlib's header
}

}  // namespace reprise::agent::monitor
