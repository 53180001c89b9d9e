#include "kube/item_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace reprise::kube {
namespace {

ItemStore::Item item(const std::string& text) { return std::make_shared<const std::string>(text); }

std::string textOf(const ItemStore::Item& one) {
  return *static_cast<const std::string*>(one.get());
}

struct Packed : ::testing::Test {
  ItemStore::Packing packing() {
    return {[](const void* one) { return *static_cast<const std::string*>(one); },
            [this](std::string_view bytes) {
              ++unpacked;
              return item(std::string(bytes));
            }};
  }
  int unpacked = 0;
  ItemStore store{packing()};
};

TEST_F(Packed, AnItemIsUnpackedWhereItIsLookedAt) {
  const auto held = store.hold(item("a"));
  EXPECT_EQ(unpacked, 0);
  EXPECT_EQ(textOf(store.look(held)), "a");
  EXPECT_EQ(textOf(store.look(held)), "a");
  EXPECT_EQ(unpacked, 1) << "what was looked at lately is still there";
  EXPECT_EQ(store.look({}), nullptr);
}

TEST_F(Packed, OnlyTheLastOnesAreKeptUnpacked) {
  std::vector<ItemStore::Held> all;
  for (int i = 0; i < 1000; ++i) all.push_back(store.hold(item("n" + std::to_string(i))));
  std::vector<std::weak_ptr<const void>> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto one = store.look(all[static_cast<std::size_t>(i)]);
    EXPECT_EQ(textOf(one), "n" + std::to_string(i));
    seen.push_back(one);
  }
  EXPECT_LE(std::count_if(seen.begin(), seen.end(), [](const auto& one) { return !one.expired(); }),
            64);
}

TEST_F(Packed, WhatIsAsItWasIsKeptOnce) {
  for (int i = 0; i < 1000; ++i)
    store.hold(item("something that all objects have " + std::to_string(i)));
  const auto first = store.hold(item("something"));
  EXPECT_EQ(store.hold(item("something"), first), first);
  const auto other = store.hold(item("something else"), first);
  EXPECT_NE(other, first);
  EXPECT_EQ(textOf(store.look(other)), "something else");
}

TEST(ItemStore, WithoutAPackingItemsAreKeptAsTheyAre) {
  ItemStore store({});
  const auto one = item("a");
  EXPECT_EQ(store.look(store.hold(one)), one);
}

}  // namespace
}  // namespace reprise::kube
