// What a Pod's monitor says when it is asked: read without trust, because a Pod wrote it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "drift/decide.h"

namespace reprise::signals {

inline constexpr std::size_t kMaxWindows = 64;       // of one monitor
inline constexpr std::size_t kMaxBlocks = 256;       // of labels, of one monitor
inline constexpr std::size_t kMaxStray = 1000;       // labels, of one answer
inline constexpr std::size_t kMaxContexts = 64;      // by name, of one window
inline constexpr std::size_t kMaxAnswer = 8u << 20;  // bytes

// GET /windows. Numbers ascend within each list.
struct MonitorAnswer {
  template <class T>
  using Numbered = std::vector<std::pair<std::int64_t, T>>;

  std::string instance;         // another one: the monitor started anew, and counts from 1 again
  std::string golden, message;  // Pending, Passed, Failed
  Numbered<drift::Window> windows;
  Numbered<drift::LabelBlock> labels;
  Numbered<nlohmann::json>
      stray;  // labels of requests that this Pod has not seen, for POST /feedback
};

// InvalidArgument where it is not an answer, or one of its windows or blocks cannot be read.
Expected<MonitorAnswer> parseMonitorAnswer(std::string_view body, const std::string& version);

// GET /labelled: rows whose labels came, in the order in which they came.
struct LabelledRow {
  std::int64_t seq = 0, atMs = 0;  // atMs: when the request was answered, Unix time in ms
  nlohmann::json row;              // as POST /score takes it
};
struct LabelledAnswer {
  std::string instance;  // as in MonitorAnswer; "" where it is not told
  std::vector<LabelledRow> rows;
};
Expected<LabelledAnswer> parseLabelled(std::string_view body);

// POST /score: how wrong `version` is on such rows, and by how much less than what answered them,
// where the rows and the monitor say so. InvalidArgument where no error can have such sums.
Expected<drift::LabelBlock> parseScore(std::string_view body, const std::string& version);

}  // namespace reprise::signals
