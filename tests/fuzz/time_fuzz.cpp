// Points in time and durations: what is read, written and read again is the same.
#include "fuzz/fuzz.h"

#include "base/time.h"

using namespace reprise;

REPRISE_FUZZ_TARGET(text) {
  if (const auto duration = parseDuration(text)) {
    const auto again = parseDuration(formatDuration(*duration));
    fuzz::require(again && *again == *duration, "duration '" + std::string(text) + "' becomes '" +
                                                    formatDuration(*duration) + "'");
  }
  if (const auto time = parseTime(text)) {
    const auto again = parseTime(formatTime(*time, 3));
    fuzz::require(again && *again == *time,
                  "time '" + std::string(text) + "' becomes '" + formatTime(*time, 3) + "'");
  }
}
