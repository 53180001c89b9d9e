// How a cache keeps objects that are seldom looked at: packed, where it was told how, else as they
// are. The few that were looked at last are kept unpacked as well.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "kube/squeezer.h"

namespace reprise::kube {

class ItemStore {
 public:
  using Item = std::shared_ptr<const void>;  // an object as its kind's struct
  // Both empty: items are kept as they are.
  struct Packing {
    std::function<std::string(const void*)> pack;
    std::function<Item(std::string_view)> unpack;
  };
  // An object as it is kept. Small, equal only to copies of itself, and false where there is none.
  class Held {
   public:
    explicit operator bool() const { return kept_ != nullptr; }
    bool operator==(const Held&) const = default;

   private:
    friend class ItemStore;
    Item kept_;
  };

  explicit ItemStore(Packing packing) : packing_(std::move(packing)) {}

  // One caller at a time. `last`: how the object was kept so far; where nothing of it is new it is
  // what comes back.
  Held hold(const Item& item, const Held& last = {});
  // nullptr of nothing. Safe from many threads.
  Item look(const Held& held) const;
  // It will be looked at soon.
  void warm(const Held& held, Item item) const;

 private:
  struct Hot {
    Held held;  // keeps its address its own
    Item item;
  };
  Hot& slot(const Held& held) const;

  const Packing packing_;
  Squeezer squeezer_;
  mutable std::mutex mutex_;
  mutable std::array<Hot, 64> hot_;
};

}  // namespace reprise::kube
