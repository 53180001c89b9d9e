// Bytes of thousands of objects of one kind, each compressed against the first few of them: what
// all have in common is kept once.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace reprise::kube {

class Squeezer {
 public:
  Squeezer();
  ~Squeezer();
  Squeezer(const Squeezer&) = delete;
  Squeezer& operator=(const Squeezer&) = delete;

  // One caller at a time. The first objects, until there are some 4 KiB of them, come out as they
  // are: they are what later ones are compared with.
  std::string squeeze(std::string_view raw);
  // What squeeze() was given. Safe from many threads, also beside squeeze().
  std::string expand(std::string_view squeezed) const;

 private:
  struct Streams;
  const std::unique_ptr<Streams> streams_;
  mutable std::mutex mutex_;  // of the stream that expands, and of what it looks things up in
  std::string common_;
  bool learned_ = false;
};

}  // namespace reprise::kube
