#include "base/time.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

TEST(Time, WritesWhatKubernetesWrites) {
  const Time time = parseTime("2026-02-28T23:59:58.123Z").value();
  EXPECT_EQ(formatTime(time), "2026-02-28T23:59:58Z");
  EXPECT_EQ(formatTime(time, 3), "2026-02-28T23:59:58.123Z");
  EXPECT_EQ(formatTime(time, 6), "2026-02-28T23:59:58.123000Z");
}

TEST(Time, ReadsOffsetsAndFractionsOfAnyLength) {
  EXPECT_EQ(parseTime("2026-01-01T09:00:00+09:00").value(),
            parseTime("2026-01-01T00:00:00Z").value());
  EXPECT_EQ(parseTime("2026-01-01T00:00:00.123456789Z").value(),
            parseTime("2026-01-01T00:00:00.123Z").value());
}

TEST(Time, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "now", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T25:00:00Z",
        "2026-01-01T00:00:00", "2026-01-01T00:00:00+9:00"}) {
    EXPECT_FALSE(parseTime(text)) << text;
  }
}

TEST(Duration, ReadsGoDurations) {
  EXPECT_EQ(parseDuration("1h30m").value(), Milliseconds{5'400'000});
  EXPECT_EQ(parseDuration("250ms").value(), Milliseconds{250});
  EXPECT_EQ(parseDuration("1.5s").value(), Milliseconds{1500});
  EXPECT_EQ(parseDuration("720h").value(), Milliseconds{2'592'000'000});
  EXPECT_EQ(parseDuration("0").value(), Milliseconds{0});
}

TEST(Duration, RefusesWhatHasNoUnitOrIsNegative) {
  for (const char* text : {"", "5", "m", "-5s", "5 s", "5d", "1e3s", "99999999999999999h"}) {
    EXPECT_FALSE(parseDuration(text)) << text;
  }
}

TEST(Duration, IsWrittenInTheLargestUnits) {
  EXPECT_EQ(formatDuration(Milliseconds{5'400'000}), "1h30m");
  EXPECT_EQ(formatDuration(Milliseconds{1250}), "1s250ms");
  EXPECT_EQ(formatDuration(Milliseconds{0}), "0s");
}

}  // namespace
}  // namespace reprise
