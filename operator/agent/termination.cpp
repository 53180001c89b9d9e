#include "agent/termination.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace reprise::agent {
namespace {

// The number of bytes of the UTF-8 sequence that starts at `text`, 0 if it is none.
std::size_t sequenceLength(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t size = lead < 0x80                   ? 1
                           : lead >= 0xC2 && lead < 0xE0 ? 2
                           : lead >= 0xE0 && lead < 0xF0 ? 3
                           : lead >= 0xF0 && lead < 0xF5 ? 4
                                                         : 0;
  if (size == 0 || size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return 0;
  }
  return size;
}

std::string cutMiddle(const std::string& text, std::size_t keep) {
  if (text.size() <= keep) return text;
  return asUtf8(text.substr(0, keep / 2)) + " … " + asUtf8(text.substr(text.size() - keep / 2));
}

std::string dump(const Ending& ending, const std::string& message, bool withMore) {
  nlohmann::json object =
      withMore && ending.more.is_object() ? ending.more : nlohmann::json::object();
  object["reason"] = ending.reason;
  object["message"] = message;
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string asUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t size = sequenceLength(text);
    if (size == 0) {
      out += '?';
      text.remove_prefix(1);
    } else {
      out.append(text.substr(0, size));
      text.remove_prefix(size);
    }
  }
  return out;
}

std::string terminationJson(const Ending& ending) {
  const std::string message = asUtf8(ending.message);
  for (const bool withMore : {true, false}) {
    for (std::size_t keep = message.size();; keep = std::min(keep, kTerminationBytes) * 3 / 4) {
      std::string out = dump(ending, cutMiddle(message, keep), withMore);
      if (out.size() <= kTerminationBytes) return out;
      // With less than this the sentence is lost; then it is better to lose the rest.
      if (keep < 256) break;
    }
  }
  return dump(ending, "", false);
}

int report(const Ending& ending, const std::string& path) {
  std::fprintf(stderr, "reprise: %s: %s\n", ending.reason.c_str(), asUtf8(ending.message).c_str());
  if (path.empty()) return ending.exitCode;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) {
    std::fprintf(stderr, "reprise: cannot write %s: %s\n", path.c_str(), std::strerror(errno));
    return ending.exitCode;
  }
  const std::string text = terminationJson(ending);
  if (::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    std::fprintf(stderr, "reprise: cannot write %s: %s\n", path.c_str(), std::strerror(errno));
  }
  ::close(fd);
  return ending.exitCode;
}

}  // namespace reprise::agent
