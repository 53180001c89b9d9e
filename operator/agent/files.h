// Small file helpers whose errors name the file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace reprise::agent {

namespace fs = std::filesystem;

// The reason that errno gives, as text: "No such file or directory".
std::string errnoText(int error);

// A file descriptor that closes itself.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset();

 private:
  int fd_ = -1;
};

// The whole file; NotFound where there is none, InvalidArgument above `maxBytes`.
Expected<std::string> readFile(const fs::path& path, std::size_t maxBytes = 64u << 20);
// Errors name the file, the line and the column.
Expected<nlohmann::json> readJson(const fs::path& path, std::size_t maxBytes = 64u << 20);
// JSON text; `where` ("examples.jsonl, line 3") begins the error's message.
Expected<nlohmann::json> parseJson(std::string_view text, const std::string& where);
// Whole or not at all: a temporary file beside it, fsync, rename.
Expected<void> writeFileAtomic(const fs::path& path, std::string_view bytes, int mode = 0644);
Expected<void> makeDirectories(const fs::path& path);
Expected<void> syncDirectory(const fs::path& path);
Expected<void> writeAll(int fd, std::string_view bytes, const fs::path& named);

}  // namespace reprise::agent
