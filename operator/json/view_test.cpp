#include "json/view.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

using nlohmann::json;

TEST(JsonView, LooksAtMembersAndIsEmptyWhereTheyAreMissingOrOfAnotherType) {
  JsonReader reader;
  const auto read = reader.read(
      R"({"a": {"b": "c\n\u00e4"}, "n": -7, "on": true, "off": false, "list": [1, "x"], "none": null})");
  ASSERT_TRUE(read) << read.error().message;
  const JsonView view = *read;
  EXPECT_EQ(view.at("a").text("b"), "c\nä");
  EXPECT_EQ(view.integer("n"), -7);
  EXPECT_TRUE(view.flag("on"));
  EXPECT_FALSE(view.flag("off"));
  EXPECT_TRUE(view.at("none").isNull());
  ASSERT_EQ(view.at("list").items().size(), 2u);
  EXPECT_EQ(view.at("list").items()[1].text(), "x");
  EXPECT_EQ(view.at("a").strings(), (std::map<std::string, std::string>{{"b", "c\nä"}}));
  for (const char* name : {"a", "n", "on", "list", "none", "missing"}) {
    EXPECT_EQ(view.text(name), "") << name;
    EXPECT_TRUE(view.at(name).at("deeper").isNull() || std::string(name) == "a") << name;
  }
  EXPECT_EQ(view.integer("a"), 0);
  EXPECT_FALSE(view.flag("a"));
  EXPECT_TRUE(view.items().empty());
  EXPECT_TRUE(view.at("list").strings().empty());
}

TEST(JsonView, TypesHaveNamesAndWholeNumbersAreNotOthers) {
  JsonReader reader;
  const JsonView view = *reader.read(R"([{}, [], "", true, null, 1, 1.5, 18446744073709551615])");
  std::vector<std::string> names;
  std::vector<bool> integers;
  for (const JsonView& item : view.items()) {
    names.emplace_back(item.typeName());
    integers.push_back(item.isInteger());
  }
  EXPECT_EQ(names, (std::vector<std::string>{"object", "array", "string", "boolean", "null",
                                             "number", "number", "number"}));
  EXPECT_EQ(integers, (std::vector<bool>{false, false, false, false, false, true, false, true}));
  EXPECT_EQ(JsonView().typeName(), std::string("null"));
}

TEST(JsonView, ATreeOfItIsWhatATreesOwnParserMakes) {
  const std::string text =
      R"({"z": [1, -2, 3.25, 18446744073709551615, [], {}], "a": {"b": null, "c": [true, false, "d\u0000e"]}})";
  JsonReader reader;
  EXPECT_EQ(reader.read(text)->tree(), json::parse(text));
  EXPECT_EQ(JsonView(JsonText(json::parse(text))).tree(), json::parse(text));
}

TEST(JsonView, TheHashIsOfTheValueAndNotOfItsOrder) {
  const auto hashOf = [](const char* text) {
    JsonReader reader;
    return reader.read(text)->hash();
  };
  EXPECT_EQ(hashOf(R"({"a": 1, "b": {"c": [1, 2], "d": "x"}})"),
            hashOf(R"({"b":{"d":"x","c":[1,2]},"a":1})"));
  const std::vector<const char*> others = {"{}",
                                           "[]",
                                           "null",
                                           "0",
                                           "1",
                                           "-1",
                                           "1.5",
                                           "true",
                                           "false",
                                           R"("")",
                                           R"("1")",
                                           R"({"a": 1})",
                                           R"({"b": 1})",
                                           R"({"a": "1"})",
                                           R"({"a": [1]})",
                                           "[1, 2]",
                                           "[2, 1]",
                                           "[[1], 2]",
                                           "[[1, 2]]",
                                           R"({"a": {"b": 1}})",
                                           R"({"a": 1, "b": 2})",
                                           R"({"a": 2, "b": 1})"};
  for (const char* one : others) {
    for (const char* other : others)
      EXPECT_EQ(hashOf(one) == hashOf(other), one == other) << one << " " << other;
  }
}

TEST(JsonView, AHashOfSomeMembersIsThatOfAnObjectOfThemAlone) {
  JsonReader all, some;
  const JsonView view = *all.read(R"({"a": 1, "b": 2, "c": {"b": 3}})");
  const auto withoutB = [](std::string_view name) { return name != "b"; };
  EXPECT_EQ(view.hash(withoutB), some.read(R"({"c": {"b": 3}, "a": 1})")->hash());
  EXPECT_EQ(JsonView().hash(withoutB), some.read("{}")->hash());
}

TEST(JsonReader, WhatIsNoJsonIsRefusedAndTheNextTextIsRead) {
  JsonReader reader;
  for (const char* bad : {"", "{", R"({"a": })", "[1,]", "\"\xff\"", "nul", "1 2"}) {
    const auto read = reader.read(bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().code, ErrorCode::InvalidArgument);
    EXPECT_FALSE(read.error().message.empty());
  }
  EXPECT_EQ(reader.read(R"({"a": "b"})")->text("a"), "b");
}

std::string nested(std::size_t levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}

// One object like that would otherwise make a whole watch unreadable.
TEST(JsonReader, WhatAnApiServerTakesIsReadHoweverDeep) {
  JsonReader reader;
  const auto read = reader.read(nested(9'999));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->deeperThan(1'000));
  EXPECT_FALSE(reader.read(nested(20'000)));
  EXPECT_FALSE(reader.read(R"({"a": [1, {"b": 2}]})")->deeperThan(4));
  EXPECT_TRUE(reader.read(R"({"a": [1, {"b": 2}]})")->deeperThan(3));
}

TEST(JsonReader, AfterALargeTextASmallOneIsReadWithNewMemory) {
  JsonReader reader;
  const std::string large(3 << 20, 'x');
  EXPECT_EQ(reader.read("\"" + large + "\"")->text(), large);
  EXPECT_EQ(reader.read("\"small\"")->text(), "small");
}

TEST(JsonText, ADiscardedTreeIsNull) {
  EXPECT_TRUE(JsonView(JsonText(json::parse("{", nullptr, false))).isNull());
}

}  // namespace
}  // namespace reprise
