#include "kube/item_store.h"

#include <cstdint>
#include <cstring>
#include <utility>

namespace reprise::kube {
namespace {

// In one piece with its length and the count of its owners: there are thousands.
std::shared_ptr<const void> keep(std::string_view bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  const auto out = std::make_shared<char[]>(sizeof size + bytes.size());
  std::memcpy(out.get(), &size, sizeof size);
  std::memcpy(out.get() + sizeof size, bytes.data(), bytes.size());
  return {out, out.get()};
}

std::string_view bytesOf(const void* kept) {
  std::uint32_t size = 0;
  std::memcpy(&size, kept, sizeof size);
  return {static_cast<const char*>(kept) + sizeof size, size};
}

}  // namespace

ItemStore::Held ItemStore::hold(const Item& item, const Held& last) {
  Held out;
  if (!packing_.pack) {
    out.kept_ = item;
    return out;
  }
  const std::string bytes = squeezer_.squeeze(packing_.pack(item.get()));
  if (last && bytesOf(last.kept_.get()) == bytes) return last;
  out.kept_ = keep(bytes);
  return out;
}

ItemStore::Hot& ItemStore::slot(const Held& held) const {
  const auto address = reinterpret_cast<std::uintptr_t>(held.kept_.get());
  return hot_[(address >> 4) * 0x9e3779b97f4a7c15U >> 58];
}

ItemStore::Item ItemStore::look(const Held& held) const {
  if (!packing_.unpack || !held) return held.kept_;
  {
    const std::lock_guard lock(mutex_);
    if (const Hot& hot = slot(held); hot.held == held) return hot.item;
  }
  Item out = packing_.unpack(squeezer_.expand(bytesOf(held.kept_.get())));
  warm(held, out);
  return out;
}

void ItemStore::warm(const Held& held, Item item) const {
  if (!packing_.unpack) return;
  Hot before{held, std::move(item)};  // ends after the lock: it may be a large object
  const std::lock_guard lock(mutex_);
  std::swap(slot(held), before);
}

}  // namespace reprise::kube
