#include "api/pack_text.h"

#include <algorithm>
#include <stdexcept>

namespace reprise::api::detail {
namespace {

// Of a text: plain bytes, a UUID, or with a run of hex digits between two plain parts.
enum class Form : std::uint64_t { Plain = 0, Uuid = 1, Hex = 2 };

constexpr std::size_t kShortestRun = 16;  // digits; of fewer nothing is gained
constexpr std::size_t kUuid = 36;
constexpr const char* kDigits = "0123456789abcdef";

// Lower case alone: anything else would not come back as it was.
bool isHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

int valueOf(char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; }

bool isDash(std::size_t at) { return at == 8 || at == 13 || at == 18 || at == 23; }

bool isUuid(std::string_view text) {
  if (text.size() != kUuid) return false;
  for (std::size_t i = 0; i < kUuid; ++i) {
    if (isDash(i) ? text[i] != '-' : !isHex(text[i])) return false;
  }
  return true;
}

// The first run that is long enough, of an even number of digits; empty where there is none.
std::string_view longRun(std::string_view text) {
  for (std::size_t begin = 0; begin + kShortestRun <= text.size();) {
    const auto from = text.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto length = static_cast<std::size_t>(std::find_if_not(from, text.end(), isHex) - from);
    if (length >= kShortestRun) return text.substr(begin, length / 2 * 2);
    begin += length + 1;
  }
  return {};
}

void packDigits(std::string& out, std::string_view digits) {
  int high = -1;
  for (const char c : digits) {
    if (c == '-') continue;
    if (high < 0) {
      high = valueOf(c);
    } else {
      out.push_back(static_cast<char>(high * 16 + valueOf(c)));
      high = -1;
    }
  }
}

void packHead(std::string& out, Form form, std::size_t length) {
  packNumber(out, length * 4 + static_cast<std::uint64_t>(form));
}

std::string_view take(std::string_view& in, std::size_t size) {
  if (size > in.size()) throw std::out_of_range("a packed object is too short; this is a bug");
  const std::string_view out = in.substr(0, size);
  in.remove_prefix(size);
  return out;
}

std::string digitsOf(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    out.push_back(kDigits[value >> 4]);
    out.push_back(kDigits[value & 15]);
  }
  return out;
}

std::string unpackUuid(std::string_view& in) {
  std::string out = digitsOf(take(in, 16));
  for (const std::size_t at : {8, 13, 18, 23}) out.insert(at, 1, '-');
  return out;
}

}  // namespace

void packNumber(std::string& out, std::uint64_t value) {
  for (; value >= 128; value >>= 7) out.push_back(static_cast<char>(value | 128));
  out.push_back(static_cast<char>(value));
}

void packText(std::string& out, std::string_view text) {
  if (isUuid(text)) {
    packHead(out, Form::Uuid, 0);
    return packDigits(out, text);
  }
  const std::string_view run = longRun(text);
  if (run.empty()) {
    packHead(out, Form::Plain, text.size());
    out.append(text);
    return;
  }
  const auto before = static_cast<std::size_t>(run.data() - text.data());
  packHead(out, Form::Hex, before);
  out.append(text.substr(0, before));
  packNumber(out, run.size() / 2);
  packDigits(out, run);
  const std::string_view rest = text.substr(before + run.size());
  packNumber(out, rest.size());
  out.append(rest);
}

std::uint64_t unpackNumber(std::string_view& in) {
  std::uint64_t out = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(take(in, 1).front());
    out |= static_cast<std::uint64_t>(byte & 127) << shift;
    if (byte < 128) return out;
  }
}

std::string unpackText(std::string_view& in) {
  const std::uint64_t head = unpackNumber(in);
  const auto form = static_cast<Form>(head % 4);
  if (form == Form::Uuid) return unpackUuid(in);
  std::string out(take(in, head / 4));
  if (form == Form::Plain) return out;
  out += digitsOf(take(in, unpackNumber(in)));
  return out.append(take(in, unpackNumber(in)));
}

}  // namespace reprise::api::detail
