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

TEST_F(WindowsTest, AnswersAreCountedIfTheBasisSaysHow) {
  Windows windows(*basis().withPrediction({std::string("a"), std::string("b")}), 3,
                  Milliseconds{5000}, clock_);
  const drift::Cell a = std::string("a"), c = std::string("c");
  windows.add({1.0}, 1, "", &a);
  windows.add({1.0}, 1, "", &c);
  windows.add({1.0}, 1, "");
  EXPECT_EQ(json::parse(windows.json(0))[0]["profile"]["predictions"]["bins"], (json{1, 0, 1}));
  windows_.add({1.0}, 1, "", &a);
  windows_.flush();
  EXPECT_FALSE(closed()[0]["profile"].contains("predictions"));
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
  json stray(std::int64_t after = 0) const { return json::parse(feedback_.stray(after)); }
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
  const auto rows = json::parse(feedback_.labelled(0, 100))["rows"];
  EXPECT_EQ(rows.size(), 3u);  // of 4096 bytes
  EXPECT_EQ(rows[0]["atMs"], 17);
  EXPECT_EQ(rows[2]["seq"], 20);
}

TEST_F(FeedbackTest, LabelledRowsComeInTheOrderOfTheirLabelsFromANumberOn) {
  for (const char* id : {"a", "b", "c"}) feedback_.remember(id, 1000, says({1}), "/p", "{}");
  take(R"([{"id":"c","label":3},{"id":"a","label":1},{"id":"b","label":2}])");
  const auto labels = [&](std::int64_t after, std::size_t limit) {
    std::vector<int> out;
    const auto answer = json::parse(feedback_.labelled(after, limit));
    for (const auto& row : answer["rows"]) out.push_back(row["label"]);
    return out;
  };
  EXPECT_EQ(labels(0, 10), (std::vector<int>{3, 1, 2}));
  EXPECT_EQ(labels(0, 2), (std::vector<int>{3, 1}));
  EXPECT_EQ(labels(2, 10), (std::vector<int>{2}));
  EXPECT_EQ(labels(3, 10), (std::vector<int>{}));
  EXPECT_EQ(
      json::parse(feedback_.labelled(2, 10))["rows"][0],
      json::parse(R"({"seq":3,"request":{},"label":2,"errors":[1.0],"path":"/p","atMs":1000})"));
}

TEST_F(FeedbackTest, LabelledRowsSayHowWrongEachOfTheirPredictionsWas) {
  feedback_.remember("a", 1000, says({1, 2, 3}), "/p", "{}");
  take(R"({"id":"a","labels":[1,null,5]})");
  EXPECT_EQ(json::parse(feedback_.labelled(0, 10))["rows"][0]["errors"],
            json::parse("[0.0,null,1.0]"));
}

TEST_F(FeedbackTest, LabelWhoseRequestIsNotSeenIsStrayAfterAShortWaitAndOnlyOnce) {
  take(R"([{"id":"a","label":[1,null]},{"id":"b","error":0.5},{"id":"c","label":1}])");
  feedback_.remember("c", 1000, says({1}), "/", "");  // was in the queue
  EXPECT_EQ(stray(), json::array());
  clock_.advance(Milliseconds{1500});
  feedback_.tick();
  EXPECT_EQ(stray(), json::parse(R"([{"seq":1,"id":"a","label":[1,null]},
                                     {"seq":2,"id":"b","error":0.5}])"));
  EXPECT_EQ(stray(1).size(), 1u);
  take(R"({"id":"a","label":[1,null]})");
  clock_.advance(Milliseconds{60'000});
  feedback_.tick();
  EXPECT_EQ(stray(2).size(), 0u);
}

TEST_F(FeedbackTest, StrayLabelIsCountedWhereItIsKnownAndNeverStrayTwice) {
  Feedback home{{}, clock_}, third{{}, clock_};
  home.remember("a", 1000, says({1}), "/", "");
  take(R"({"id":"a","label":2})");
  clock_.advance(Milliseconds{1500});
  feedback_.tick();
  const std::string relay = stray().dump();
  for (int i = 0; i < 2; ++i) {  // an operator that starts anew relays all of them again
    home.take(*parseLabels(relay), true);
    third.take(*parseLabels(relay), true);
    feedback_.take(*parseLabels(relay), true);
  }
  third.take(*parseLabels(R"({"id":"a","label":2})"));  // the client says it to each Pod
  clock_.advance(Milliseconds{60'000});
  for (Feedback* one : {&home, &third, &feedback_}) one->tick();
  EXPECT_EQ(home.total().n, 1);
  EXPECT_EQ(home.total().sum, 1);
  EXPECT_EQ(third.total().n + feedback_.total().n, 0);
  EXPECT_EQ(home.stray(0), "[]");
  EXPECT_EQ(third.stray(0), "[]");
  EXPECT_EQ(stray().size(), 1u);
}

TEST_F(FeedbackTest, RelayedLabelWaitsForItsRequestLikeAnyOther) {
  feedback_.take(*parseLabels(R"({"id":"a","label":2})"), true);
  feedback_.remember("a", 1000, says({1}), "/", "");
  EXPECT_EQ(feedback_.total().n, 1);
}

TEST(Waiting, IsBoundedAndTellsWhatHasToGoEarly) {
  FakeClock clock;
  WaitingLabels waiting({.labels = 3, .bytes = 1 << 20, .stray = 4, .strayBytes = 1 << 20});
  const auto add = [&](int i) {
    waiting.add({"id" + std::to_string(i), json(i), 0, false}, false, clock.steady());
  };
  for (int i = 0; i < 5; ++i) add(i);
  const auto told = json::parse(waiting.stray(0));
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[1]["id"], "id1");
  EXPECT_FALSE(waiting.take("id1"));
  EXPECT_TRUE(waiting.take("id2"));
  clock.advance(Milliseconds{1500});
  waiting.tick(clock.steady());
  for (int i = 5; i < 20; ++i) add(i);
  const auto last = json::parse(waiting.stray(0));
  EXPECT_EQ(last.size(), 4u);
  EXPECT_EQ(last[3]["id"], "id16");
  EXPECT_EQ(last[3]["seq"], 16);  // all but id2, whose request came, and the three that wait
}

TEST(Waiting, IsBoundedByBytesToo) {
  FakeClock clock;
  WaitingLabels waiting({.labels = 1000, .bytes = 10'000, .stray = 1000, .strayBytes = 5'000});
  for (int i = 0; i < 100; ++i) {
    waiting.add({"id" + std::to_string(i), json(std::string(1000, 'x')), 0, false}, false,
                clock.steady());
  }
  EXPECT_LE(json::parse(waiting.stray(0)).size(), 4u);
  EXPECT_FALSE(waiting.take("id50"));
  EXPECT_TRUE(waiting.take("id99"));
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
