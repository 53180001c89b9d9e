#include "agent/monitor/windows.h"

#include <gtest/gtest.h>

#include "agent/monitor/feedback.h"

namespace reprise::agent::monitor {
namespace {

using nlohmann::json;

drift::Basis basis() { return *drift::Basis::fit({"x"}, {{1.0}, {2.0}, {3.0}}); }

class WindowsTest : public ::testing::Test {
 protected:
  json closed(std::int64_t after = 0) const { return json::parse(windows_.json(after)); }
  FakeClock clock_;
  Windows windows_{basis(), 3, Milliseconds{5000}, clock_};
};

TEST_F(WindowsTest, CloseByCount) {
  EXPECT_FALSE(windows_.add({1.0}, 1000, ""));
  EXPECT_FALSE(windows_.add({1.0}, 900, ""));
  EXPECT_EQ(closed().size(), 0u);
  EXPECT_TRUE(windows_.add({1.0}, 1100, ""));
  EXPECT_EQ(closed().size(), 1u);
  EXPECT_EQ(closed()[0]["firstMs"], 900);
  EXPECT_EQ(closed()[0]["lastMs"], 1100);
  EXPECT_EQ(closed()[0]["profile"]["rows"], 3);
}

TEST_F(WindowsTest, CloseByAgeOfTheFirstRowIfTheyHaveAny) {
  clock_.advance(Milliseconds{60'000});
  EXPECT_FALSE(windows_.tick());
  windows_.add({1.0}, 1000, "");
  clock_.advance(Milliseconds{4999});
  EXPECT_FALSE(windows_.tick());
  clock_.advance(Milliseconds{1});
  EXPECT_TRUE(windows_.tick());
  EXPECT_FALSE(windows_.tick());
  EXPECT_EQ(closed()[0]["rows"], 1);
}

TEST_F(WindowsTest, TheLastOnesAreKeptAndNumbersGoOn) {
  for (int i = 0; i < 3 * 70; ++i) windows_.add({1.0}, 1000 + i, "");
  EXPECT_EQ(closed().size(), kKeptWindows);
  EXPECT_EQ(closed().front()["seq"], 7);
  EXPECT_EQ(closed().back()["seq"], 70);
  EXPECT_EQ(closed(69).size(), 1u);
  EXPECT_EQ(closed(70).size(), 0u);
}

TEST_F(WindowsTest, ContextsAreBounded) {
  Windows windows(basis(), 40, Milliseconds{5000}, clock_);
  for (int i = 0; i < 40; ++i) windows.add({1.0}, 1, "c" + std::to_string(i));
  const auto contexts = json::parse(windows.json(0))[0]["contexts"];
  EXPECT_EQ(contexts.size(), kMaxContexts + 1);
  EXPECT_EQ(contexts["other"], 40 - static_cast<int>(kMaxContexts));
}

class FeedbackTest : public ::testing::Test {
 protected:
  static std::vector<Prediction> says(std::vector<double> values) {
    std::vector<Prediction> out(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) out[i].value = values[i];
    return out;
  }
  Feedback::Taken take(const std::string& body) {
    auto labels = parseLabels(body);
    EXPECT_TRUE(labels) << labels.error().message;
    return feedback_.take(std::move(*labels));
  }
  json blocks(std::int64_t after = 0) const { return json::parse(feedback_.blocks(after)); }
  FakeClock clock_;
  Feedback feedback_{{3, 4096, 2, Milliseconds{5000}}, clock_};
};

TEST_F(FeedbackTest, BlocksCarryTheTimesOfTheRowsAndCloseByCountOrAge) {
  feedback_.remember("a", 1000, says({1}), "/", "");
  feedback_.remember("b", 2000, says({1}), "/", "");
  feedback_.remember("c", 3000, says({1}), "/", "");
  EXPECT_EQ(take(R"([{"id":"b","label":2},{"id":"a","label":1}])").known, 2u);
  EXPECT_EQ(
      blocks(),
      json::parse(
          R"([{"seq":1,"firstMs":1000,"lastMs":2000,"n":2,"errorSum":1.0,"errorSqSum":1.0}])"));
  take(R"({"id":"c","error":0.5})");
  EXPECT_EQ(blocks(1).size(), 0u);
  clock_.advance(Milliseconds{5000});
  feedback_.tick();
  EXPECT_EQ(blocks(1)[0]["errorSqSum"], 0.25);
}

TEST_F(FeedbackTest, LabelThatComesBeforeItsRequestWaits) {
  EXPECT_EQ(take(R"({"id":"a","label":1})").waiting, 1u);
  feedback_.remember("a", 1000, says({1}), "/", "");
  EXPECT_EQ(feedback_.total().n, 1);
}

TEST_F(FeedbackTest, SecondLabelOfARequestIsNotCounted) {
  feedback_.remember("a", 1000, says({1}), "/", "");
  take(R"({"id":"a","label":1})");
  EXPECT_EQ(take(R"({"id":"a","label":0})").repeated, 1u);
  EXPECT_EQ(feedback_.total().n, 1);
}

TEST_F(FeedbackTest, OldRequestsAreForgotten) {
  for (const char* id : {"a", "b", "c", "d"}) feedback_.remember(id, 1000, says({1}), "/", "{}");
  EXPECT_EQ(take(R"({"id":"a","label":1})").waiting, 1u);
  EXPECT_EQ(take(R"({"id":"d","label":1})").known, 1u);
}

TEST_F(FeedbackTest, AnIdThatComesAgainIsTheNewerRequest) {
  feedback_.remember("a", 1000, says({1}), "/", "{}");
  feedback_.remember("a", 2000, says({2}), "/", "{}");
  feedback_.remember("b", 3000, says({2}), "/", "{}");
  feedback_.remember("c", 3000, says({2}), "/", "{}");  // forgets the first "a", and only that
  take(R"({"id":"a","label":2})");
  EXPECT_EQ(feedback_.total().sum, 0);
}

TEST_F(FeedbackTest, LabelledRowsAreBoundedByBytes) {
  const std::string body = "\"" + std::string(1000, 'x') + "\"";
  for (int i = 0; i < 20; ++i) {
    const std::string id = "r" + std::to_string(i);
    feedback_.remember(id, i, says({1}), "/p", body);
    take(R"({"id":")" + id + R"(","label":1})");
  }
  const auto rows = json::parse(feedback_.labelled(100))["rows"];
  EXPECT_EQ(rows.size(), 3u);  // of 4096 bytes
  EXPECT_EQ(rows[0]["atMs"], 19);
  EXPECT_EQ(json::parse(feedback_.labelled(1))["rows"].size(), 1u);
}

TEST_F(FeedbackTest, LabelsOfAnotherNumberThanTheRowsAreNotScored) {
  feedback_.remember("a", 1000, says({1, 2}), "/", "");
  EXPECT_EQ(take(R"({"id":"a","label":1})").unscored, 1u);
  EXPECT_EQ(take(R"({"id":"a","labels":[1,null]})").known, 1u);
  EXPECT_EQ(feedback_.total().n, 1);
}

TEST(Labels, ErrorsNameTheEntryAndTheField) {
  for (const auto& [body, named] : std::vector<std::pair<const char*, const char*>>{
           {"nonsense", "not JSON"},
           {R"([{"id":"a","label":1},{"label":2}])", "feedback[1].id"},
           {R"({"id":"a"})", "'label' or 'error'"},
           {R"({"id":"a","error":-1})", "feedback.error"},
           {R"({"id":"a","label":{"b":1}})", "feedback.label"}}) {
    const auto labels = parseLabels(body);
    ASSERT_FALSE(labels) << body;
    EXPECT_NE(labels.error().message.find(named), std::string::npos) << labels.error().message;
  }
}

}  // namespace
}  // namespace reprise::agent::monitor
