// Before the library, which has a macro of one letter.
#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "http/response_sink.h"

namespace reprise::http {
namespace {

using Clock = ResponseSink::Clock;

Clock::time_point soon() { return Clock::now() + std::chrono::seconds(20); }

struct SinkTest : testing::Test {
  pplx::task<size_t> put(const std::string& text) {
    return sink->putn_nocopy(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  }
  std::string read(std::size_t most) {
    std::vector<char> into(most);
    const auto size = sink->read(into, soon());
    return size ? std::string(into.data(), *size) : "late";
  }
  std::shared_ptr<ResponseSink> sink = std::make_shared<ResponseSink>();
};

TEST_F(SinkTest, BytesComeInTheirOrderThenTheEnd) {
  EXPECT_EQ(put("abc").get(), 3u);
  EXPECT_EQ(read(2), "ab");
  put("de").wait();
  EXPECT_EQ(read(10), "cde");
  put("fg").wait();
  std::string all = "x";
  EXPECT_EQ(sink->take(all, soon()), 2u);
  EXPECT_EQ(all, "xfg");
  sink->finish(nullptr);
  EXPECT_EQ(read(10), "");
  EXPECT_FALSE(sink->error());
}

TEST_F(SinkTest, NothingInTimeIsNoEnd) {
  char byte;
  EXPECT_EQ(sink->read({&byte, 1}, Clock::now()), std::nullopt);
}

TEST_F(SinkTest, AnErrorIsReadAfterTheBytesBeforeIt) {
  put("a").wait();
  sink->finish(std::make_exception_ptr(std::runtime_error("broken")));
  EXPECT_EQ(read(10), "a");
  EXPECT_EQ(read(10), "");
  EXPECT_TRUE(sink->error());
}

TEST_F(SinkTest, AFullOneIsWaitedForUntilHalfOfItWasRead) {
  const std::string much(ResponseSink::kFull, 'x');
  EXPECT_TRUE(put(much.substr(1)).is_done());
  const auto waits = put("yy");
  EXPECT_FALSE(waits.is_done());
  EXPECT_EQ(read(1000).size(), 1000u);
  EXPECT_FALSE(waits.is_done());
  EXPECT_EQ(read(ResponseSink::kFull / 2).size(), ResponseSink::kFull / 2);
  EXPECT_EQ(waits.get(), 2u);
  std::string rest;
  sink->take(rest, soon());
  EXPECT_EQ(rest.size(), ResponseSink::kFull / 2 - 1000 + 1);
  EXPECT_EQ(rest.substr(rest.size() - 3), "xyy");
}

TEST_F(SinkTest, NobodyIsWaitedForOnceItIsAbandoned) {
  const auto waits = put(std::string(ResponseSink::kFull, 'x'));
  EXPECT_FALSE(waits.is_done());
  sink->abandon();
  EXPECT_EQ(waits.get(), ResponseSink::kFull);
  EXPECT_TRUE(put(std::string(ResponseSink::kFull, 'x')).is_done());
}

}  // namespace
}  // namespace reprise::http
