#include "agent/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace reprise::agent {
namespace {

tl::unexpected<Error> ioError(const char* doing, const fs::path& path, int error) {
  const ErrorCode code = error == ENOENT                     ? ErrorCode::NotFound
                         : error == EACCES || error == EPERM ? ErrorCode::Forbidden
                                                             : ErrorCode::Internal;
  std::string message =
      std::string("cannot ") + doing + " " + path.string() + ": " + errnoText(error);
  if (error == ENOSPC || error == EDQUOT)
    message += "; make the volume larger or delete versions that are not needed";
  if (error == EROFS) message += "; mount the volume without readOnly";
  return fail(code, std::move(message));
}

}  // namespace

std::string errnoText(int error) { return std::strerror(error); }

Fd::~Fd() { reset(); }

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Expected<std::string> readFile(const fs::path& path, std::size_t maxBytes) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return ioError("open", path, errno);
  std::string out;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ioError("read", path, errno);
    if (n == 0) return out;
    out.append(buffer, static_cast<std::size_t>(n));
    if (out.size() > maxBytes) {
      return fail(ErrorCode::InvalidArgument, path.string() + " is larger than " +
                                                  std::to_string(maxBytes >> 20) +
                                                  " MiB; write a sample of it");
    }
  }
}

Expected<nlohmann::json> parseJson(std::string_view text, const std::string& where) {
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    const std::size_t at = std::min<std::size_t>(error.byte ? error.byte - 1 : 0, text.size());
    const auto line =
        1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    const std::size_t lineStart = text.substr(0, at).rfind('\n');
    const std::size_t column = lineStart == std::string_view::npos ? at + 1 : at - lineStart;
    // The library's text behind its own position.
    std::string what = error.what();
    if (const auto colon = what.find(": "); colon != std::string::npos) what.erase(0, colon + 2);
    const std::string place =
        text.find('\n') == std::string_view::npos && where.find("line") != std::string::npos
            ? where + ", column " + std::to_string(column)
            : where + ", line " + std::to_string(line) + ", column " + std::to_string(column);
    return fail(ErrorCode::InvalidArgument,
                place + ": not JSON: " + what +
                    (text.find("NaN") != text.npos || text.find("Infinity") != text.npos
                         ? "; NaN and Infinity are not JSON numbers"
                         : ""));
  } catch (const nlohmann::json::exception& error) {  // a number beyond all numbers, 1e999
    std::string what = error.what();
    if (const auto bracket = what.find("] "); bracket != std::string::npos)
      what.erase(0, bracket + 2);
    return fail(ErrorCode::InvalidArgument, where + ": " + what);
  }
}

Expected<nlohmann::json> readJson(const fs::path& path, std::size_t maxBytes) {
  auto text = readFile(path, maxBytes);
  if (!text) return tl::unexpected(text.error());
  return parseJson(*text, path.filename().string());
}

Expected<void> writeAll(int fd, std::string_view bytes, const fs::path& named) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ioError("write", named, errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Expected<void> syncDirectory(const fs::path& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return ioError("open", path, errno);
  // Some network file systems know no fsync of a directory and say so with EINVAL.
  if (::fsync(fd.get()) != 0 && errno != EINVAL) return ioError("sync", path, errno);
  return {};
}

Expected<void> makeDirectories(const fs::path& path) {
  std::error_code ec;
  fs::create_directories(path, ec);
  if (ec) return ioError("create the directory", path, ec.value());
  return {};
}

Expected<void> writeFileAtomic(const fs::path& path, std::string_view bytes, int mode) {
  const fs::path temporary = path.string() + ".tmp" + std::to_string(::getpid());
  Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!fd) return ioError("create", temporary, errno);
  ::fchmod(fd.get(), static_cast<mode_t>(mode));  // open() applied the umask
  auto written = writeAll(fd.get(), bytes, temporary);
  if (written && ::fsync(fd.get()) != 0) written = ioError("sync", temporary, errno);
  fd.reset();
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0)
    written = ioError("rename to", path, errno);
  if (!written) ::unlink(temporary.c_str());
  return written;
}

}  // namespace reprise::agent
