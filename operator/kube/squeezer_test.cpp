#include "kube/squeezer.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

namespace reprise::kube {
namespace {

std::string object(int number) {
  return "some text that all objects of a kind have, whatever their number is: " +
         std::to_string(number) + std::string(100, 'x');
}

TEST(Squeezer, EachObjectComesBack) {
  Squeezer squeezer;
  std::mt19937 random(1);
  std::vector<std::pair<std::string, std::string>> all;
  for (int i = 0; i < 500; ++i) {
    std::string raw = i == 7 || i == 400 ? std::string() : object(i);
    if (i % 50 == 0) {  // larger than the window, and with nothing that repeats
      for (int byte = 0; byte < 30'000; ++byte) raw.push_back(static_cast<char>(random()));
    }
    all.emplace_back(raw, squeezer.squeeze(raw));
  }
  for (const auto& [raw, squeezed] : all) EXPECT_EQ(squeezer.expand(squeezed), raw);
}

TEST(Squeezer, WhatAllHaveInCommonIsKeptOnce) {
  Squeezer squeezer;
  for (int i = 0; i < 100; ++i) squeezer.squeeze(object(i));
  EXPECT_LT(squeezer.squeeze(object(12345)).size(), 32u);
}

TEST(Squeezer, ManyThreadsMayExpandWhileOneSqueezes) {
  Squeezer squeezer;
  const std::string first = squeezer.squeeze(object(0));
  for (int i = 1; i < 100; ++i) squeezer.squeeze(object(i));
  const std::string later = squeezer.squeeze(object(100));
  std::vector<std::jthread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        EXPECT_EQ(squeezer.expand(first), object(0));
        EXPECT_EQ(squeezer.expand(later), object(100));
      }
    });
  }
  for (int i = 0; i < 2000; ++i) squeezer.squeeze(object(i));
}

}  // namespace
}  // namespace reprise::kube
