#include "agent/context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reprise::agent {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string problemOf(const std::string& text) {
  const auto context = parseContext(text, "context.json");
  return context ? "" : context.error().message;
}

TEST(Context, IsAFlatObjectOfTexts) {
  const auto context =
      parseContext(R"({"vehicle": "A b/7", "example.com/shift-2": "night"})", "context.json");
  ASSERT_TRUE(context) << context.error().message;
  EXPECT_EQ(*context, (std::map<std::string, std::string>{{"example.com/shift-2", "night"},
                                                          {"vehicle", "A b/7"}}));
  EXPECT_TRUE(parseContext("{}", "context.json")->empty());
}

TEST(Context, ErrorsNameFileAndKey) {
  for (const char* text : {R"({"a b": "x"})", R"({"a b": 1})", R"({"ok": "x", "a b": "x"})"}) {
    EXPECT_THAT(problemOf(text), AllOf(HasSubstr("context.json"), HasSubstr("'a b'")));
  }
  for (const std::string& key : std::vector<std::string>{
           "", "-a", "a-", "/a", "a/", "A.com/a", "a..b/c", "a/b/c", "ä", std::string(64, 'a')}) {
    EXPECT_THAT(problemOf("{\"" + key + "\": \"x\"}"), HasSubstr("is no key of a label")) << key;
  }
  for (const std::string& value :
       std::vector<std::string>{"1", "null", "{\"b\": \"c\"}", "\"\"", "\"a\\n\"", "\"ä\"",
                                "\"" + std::string(129, 'x') + "\""}) {
    EXPECT_THAT(problemOf("{\"a\": " + value + "}"),
                AllOf(HasSubstr("context.json"), HasSubstr("'a'")))
        << value;
  }
  EXPECT_EQ(problemOf("{\"a\": \"" + std::string(128, 'x') + "\"}"), "");
  EXPECT_THAT(problemOf("[]"), HasSubstr("must be an object"));
  EXPECT_THAT(problemOf("{\"a\": "), HasSubstr("context.json"));
}

TEST(Context, HasSixteenEntriesAtMost) {
  std::string text = "{";
  for (int i = 0; i < 16; ++i) text += "\"k" + std::to_string(i) + "\": \"x\", ";
  EXPECT_EQ(problemOf(text + "\"k0\": \"x\"}"), "");
  EXPECT_THAT(problemOf(text + "\"more\": \"x\"}"), HasSubstr("17 entries"));
}

}  // namespace
}  // namespace reprise::agent
