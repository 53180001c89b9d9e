// The cache without a server: events go straight into its sink.
#include <gtest/gtest.h>

#include "kube/informer.h"

namespace reprise::kube {
namespace {

using Strings = std::vector<std::string>;

struct Thing {
  std::string name, owner, value;
};

Expected<Thing> decodeThing(JsonView object) {
  if (object.text("value") == "bad") return fail(ErrorCode::InvalidArgument, "value: is bad");
  return Thing{object.at("metadata").text("name"), object.text("owner"), object.text("value")};
}

Json thing(const std::string& name, const std::string& version, const std::string& value = "",
           const std::string& owner = "") {
  return {{"metadata",
           {{"namespace", "ns"},
            {"name", name},
            {"resourceVersion", version},
            {"managedFields", Json::array({1})}}},
          {"value", value},
          {"owner", owner}};
}

Packing<Thing> packing() {
  return {[](const Thing& one) { return Json{one.name, one.owner, one.value}.dump(); },
          [](std::string_view bytes) {
            const Json all = Json::parse(bytes);
            return Thing{all[0], all[1], all[2]};
          }};
}

// Whether things are kept packed: nobody should see it.
class CacheRules : public ::testing::TestWithParam<bool> {
 protected:
  CacheRules() {
    cache.onChange([this](const Change<Thing>& change) {
      told.push_back(change.name + (change.initial ? " first " : " ") +
                     (change.old ? change.old->value : "-") + ">" +
                     (change.now ? change.now->value : "-"));
    });
  }
  // A whole picture, as a list brings it.
  void picture(std::initializer_list<Json> objects) {
    sink.begin();
    for (const Json& one : objects) sink.apply(JsonText(one));
    sink.end();
  }
  Strings told;
  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  Cache<Thing> cache{CacheOptions{.resource = resources::pods},
                     decodeThing,
                     {{"owner", [](const Thing& t) { return Strings{t.owner}; }}},
                     GetParam() ? packing() : Packing<Thing>(),
                     clock};
  WatchSink& sink = cache.sink();
};

INSTANTIATE_TEST_SUITE_P(Packed, CacheRules, ::testing::Bool());

TEST_P(CacheRules, NothingIsSeenOfAPictureThatIsNotWhole) {
  sink.begin();
  sink.apply(JsonText(thing("a", "1", "x")));
  EXPECT_FALSE(cache.hasSynced());
  EXPECT_FALSE(cache.get("ns", "a"));
  EXPECT_TRUE(told.empty());
  sink.end();
  EXPECT_TRUE(cache.hasSynced());
  EXPECT_EQ(cache.get("ns", "a")->value, "x");
  EXPECT_EQ(told, Strings{"a first ->x"});
}

TEST_P(CacheRules, APictureThatBrokeOffIsForgotten) {
  picture({thing("a", "1", "x")});
  sink.begin();
  sink.apply(JsonText(thing("ghost", "2")));
  picture({thing("a", "1", "x")});
  EXPECT_FALSE(cache.get("ns", "ghost"));
  EXPECT_EQ(told, Strings{"a first ->x"});
}

TEST_P(CacheRules, Row13_ADeletionMissedInAGapIsToldWithTheLastState) {
  picture({thing("a", "1", "x"), thing("b", "2", "y"), thing("c", "3", "z")});
  told.clear();
  picture({thing("a", "1", "x"), thing("b", "9", "changed"), thing("d", "10", "new")});
  EXPECT_EQ(told, (Strings{"c z>-", "b y>changed", "d ->new"}))
      << "and a, which is as it was, is not told";
  EXPECT_EQ(cache.list("ns").size(), 3u);
}

TEST_P(CacheRules, IndexesFollowEachChange) {
  picture({thing("a", "1", "", "o1"), thing("b", "2", "", "o1")});
  EXPECT_EQ(cache.byIndex("owner", "o1").size(), 2u);
  sink.apply(JsonText(thing("a", "3", "", "o2")));
  EXPECT_EQ(cache.byIndex("owner", "o1").size(), 1u);
  EXPECT_EQ(cache.byIndex("owner", "o2").at(0)->name, "a");
  sink.remove(JsonText(thing("a", "4", "", "o2")));
  EXPECT_TRUE(cache.byIndex("owner", "o2").empty());
  picture({});
  EXPECT_TRUE(cache.byIndex("owner", "o1").empty());
  EXPECT_THROW(cache.byIndex("typo", "x"), std::out_of_range);
}

TEST_P(CacheRules, KeysComeWithoutALookAtTheObjects) {
  using Keys = std::vector<std::pair<std::string, std::string>>;
  picture({thing("b", "1", "", "o1"), thing("a", "2", "", "o1"), thing("c", "3", "", "o2")});
  EXPECT_EQ(cache.keys(), (Keys{{"ns", "a"}, {"ns", "b"}, {"ns", "c"}}));
  EXPECT_EQ(cache.keysByIndex("owner", "o1"), (Keys{{"ns", "a"}, {"ns", "b"}}));
  EXPECT_TRUE(cache.keysByIndex("owner", "o3").empty());
}

TEST_P(CacheRules, ARelistOfWhatIsKnownTellsNothingAndIndexesStay) {
  picture({thing("a", "1", "x", "o1"), thing("b", "2", "y", "o1")});
  told.clear();
  picture({thing("a", "1", "x", "o1"), thing("b", "2", "y", "o1")});
  EXPECT_TRUE(told.empty());
  EXPECT_EQ(cache.byIndex("owner", "o1").size(), 2u);
  // After a restore of etcd a version may come a second time, with another content.
  picture({thing("a", "1", "z", "o2"), thing("b", "2", "y", "o1")});
  EXPECT_EQ(cache.get("ns", "a")->value, "z");
  EXPECT_EQ(cache.byIndex("owner", "o1").size(), 1u);
  EXPECT_EQ(cache.byIndex("owner", "o2").size(), 1u);
}

TEST_P(CacheRules, AListOfOneNamespaceHoldsNoOther) {
  Json other = thing("a", "1");
  other["metadata"]["namespace"] = "nsx";
  picture({thing("a", "2"), other});
  EXPECT_EQ(cache.list("ns").size(), 1u);
  EXPECT_EQ(cache.list("n").size(), 0u);
  EXPECT_EQ(cache.list().size(), 2u);
}

TEST_P(CacheRules, WhatCannotBeDecodedKeepsItsLastGoodStateAndIsNotTakenForDeleted) {
  picture({thing("a", "1", "x")});
  told.clear();
  sink.apply(JsonText(thing("a", "2", "bad")));
  picture({thing("a", "2", "bad"), thing("b", "3", "bad")});
  ASSERT_TRUE(cache.get("ns", "a"));
  EXPECT_EQ(cache.get("ns", "a")->value, "x");
  EXPECT_FALSE(cache.get("ns", "b"));
  EXPECT_TRUE(told.empty());
  EXPECT_EQ(cache.stats().undecodable, 3u);
}

TEST_P(CacheRules, Row20_OurWriteIsWaitedForUntilExactlyItIsSeen) {
  picture({thing("a", "1")});
  EXPECT_TRUE(cache.caughtUp("ns", "a"));
  cache.noteWritten("ns", "a", "7");
  EXPECT_FALSE(cache.caughtUp("ns", "a"));
  EXPECT_TRUE(cache.caughtUp("ns", "b")) << "of another object nothing is awaited";
  sink.apply(JsonText(thing("a", "9")));  // larger, if it were a number
  EXPECT_FALSE(cache.caughtUp("ns", "a"));
  sink.apply(JsonText(thing("a", "7")));
  EXPECT_TRUE(cache.caughtUp("ns", "a"));
}

TEST_P(CacheRules, Row20_AWatchFasterThanTheAnswerToTheWriteIsRemembered) {
  picture({thing("a", "1")});
  sink.apply(JsonText(thing("a", "7")));
  sink.apply(JsonText(thing("a", "8")));  // and somebody else's already
  cache.noteWritten("ns", "a", "7");
  EXPECT_TRUE(cache.caughtUp("ns", "a"));
  sink.remove(JsonText(thing("a", "9")));
  cache.noteWritten("ns", "a", "8");
  EXPECT_TRUE(cache.caughtUp("ns", "a")) << "also where it is gone by now";
}

TEST_P(CacheRules, Row20_AWriteInAPictureThatIsNotWholeIsNotSeenYet) {
  picture({thing("a", "1")});
  sink.begin();
  sink.apply(JsonText(thing("a", "7")));
  cache.noteWritten("ns", "a", "7");
  EXPECT_FALSE(cache.caughtUp("ns", "a"));
  sink.end();
  EXPECT_TRUE(cache.caughtUp("ns", "a"));
}

TEST_P(CacheRules, Row20_APictureBegunAfterTheWriteIsEnoughAndOneBegunBeforeIsNot) {
  picture({thing("a", "1")});
  sink.begin();
  cache.noteWritten("ns", "a", "7");
  sink.apply(JsonText(thing("a", "1")));
  sink.end();
  EXPECT_FALSE(cache.caughtUp("ns", "a"));
  picture({thing("a", "9")});
  EXPECT_TRUE(cache.caughtUp("ns", "a"));
}

TEST_P(CacheRules, Row20_TheEndOfTheOldOneIsNoProofOfTheNewOne) {
  picture({thing("a", "1", "old")});
  cache.noteWritten("ns", "a", "7");  // deleted and made anew, both by us
  sink.remove(JsonText(thing("a", "6")));
  EXPECT_FALSE(cache.caughtUp("ns", "a"));
  sink.apply(JsonText(thing("a", "7", "new")));
  EXPECT_TRUE(cache.caughtUp("ns", "a"));
}

TEST_P(CacheRules, Row20_AWriteThatTookTheObjectOutOfOurSelectorIsSeenAsItsEnd) {
  picture({thing("a", "1")});
  cache.noteWritten("ns", "a", "7");
  sink.remove(JsonText(thing("a", "7")));
  EXPECT_TRUE(cache.caughtUp("ns", "a"));
}

TEST_P(CacheRules, Row20_NothingIsWaitedForLongerThanTheLimit) {
  picture({thing("a", "1")});
  cache.noteWritten("ns", "a", "7");
  clock->advance(Milliseconds{9'999});
  EXPECT_FALSE(cache.caughtUp("ns", "a"));
  clock->advance(Milliseconds{1});
  EXPECT_TRUE(cache.caughtUp("ns", "a"));
}

TEST_P(CacheRules, AWaitEndsWithTheStop) {
  picture({thing("a", "1")});
  cache.noteWritten("ns", "a", "7");
  std::stop_source source;
  source.request_stop();
  EXPECT_FALSE(cache.waitCaughtUp("ns", "a", source.get_token()));
}

}  // namespace
}  // namespace reprise::kube
