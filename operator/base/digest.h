// SHA-256, the one digest of this project.
#pragma once

#include <istream>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reprise {

// Feed bytes, then ask once for the 64 lower-case hex digits.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(std::string_view bytes);
  std::string hex();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string sha256Hex(std::string_view bytes);

// "sha256:" and 64 lower-case hex digits.
bool isOciDigest(std::string_view text);

}  // namespace reprise
