#include "kube/squeezer.h"

#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <new>
#include <stdexcept>

namespace reprise::kube {
namespace {

// What is looked back on: the common part, and the object itself. The two streams are some 70 KiB.
constexpr int kWindowBits = 13, kMemoryLevel = 5;
constexpr std::size_t kCommon = 4096;

enum Form : char { kPlain = 0, kSqueezed = 1 };

const Bytef* bytes(std::string_view text) { return reinterpret_cast<const Bytef*>(text.data()); }

void must(int result) {
  if (result == Z_MEM_ERROR) throw std::bad_alloc();
  if (result != Z_OK && result != Z_STREAM_END)
    throw std::logic_error("an object in a cache cannot be expanded; this is a bug");
}

}  // namespace

struct Squeezer::Streams {
  Streams() {
    must(deflateInit2(&out, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -kWindowBits, kMemoryLevel,
                      Z_DEFAULT_STRATEGY));
    must(inflateInit2(&in, -kWindowBits));
  }
  ~Streams() {
    deflateEnd(&out);
    inflateEnd(&in);
  }
  z_stream out{}, in{};
};

Squeezer::Squeezer() : streams_(std::make_unique<Streams>()) {}
Squeezer::~Squeezer() = default;

std::string Squeezer::squeeze(std::string_view raw) {
  std::string out(1, kPlain);
  if (!learned_) {
    const std::lock_guard lock(mutex_);
    common_.append(raw.substr(0, kCommon - common_.size()));
    learned_ = common_.size() == kCommon;
    return out.append(raw);
  }
  z_stream& stream = streams_->out;
  must(deflateReset(&stream));
  must(deflateSetDictionary(&stream, bytes(common_), static_cast<uInt>(common_.size())));
  const auto size = static_cast<std::uint32_t>(raw.size());
  constexpr std::size_t kHead = 1 + sizeof size;
  out.resize(kHead + deflateBound(&stream, size));
  out[0] = kSqueezed;
  std::memcpy(out.data() + 1, &size, sizeof size);
  stream.next_in = const_cast<Bytef*>(bytes(raw));
  stream.avail_in = size;
  stream.next_out = reinterpret_cast<Bytef*>(out.data() + kHead);
  stream.avail_out = static_cast<uInt>(out.size() - kHead);
  must(deflate(&stream, Z_FINISH));
  out.resize(out.size() - stream.avail_out);
  return out;
}

std::string Squeezer::expand(std::string_view squeezed) const {
  if (squeezed.front() == kPlain) return std::string(squeezed.substr(1));
  std::uint32_t size = 0;
  std::memcpy(&size, squeezed.data() + 1, sizeof size);
  squeezed.remove_prefix(1 + sizeof size);
  std::string out(size, '\0');
  const std::lock_guard lock(mutex_);
  z_stream& stream = streams_->in;
  must(inflateReset(&stream));
  must(inflateSetDictionary(&stream, bytes(common_), static_cast<uInt>(common_.size())));
  stream.next_in = const_cast<Bytef*>(bytes(squeezed));
  stream.avail_in = static_cast<uInt>(squeezed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = size;
  must(inflate(&stream, Z_FINISH));
  return out;
}

}  // namespace reprise::kube
