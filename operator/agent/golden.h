// Golden requests: what a model server must answer again, wherever it runs. A training step writes
// them (examples.jsonl), `verify` and `monitor` ask them. Pure: no HTTP in here.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace reprise::agent {

inline constexpr double kDefaultTolerance = 1e-6;
inline constexpr std::size_t kMaxExamplesBytes = std::size_t{16} << 20;

struct GoldenExample {
  nlohmann::json request, response;
  double tolerance = kDefaultTolerance;  // of each number, see difference()
};

// One object a line: {"request": …, "response": …, "tolerance": 1e-6}; the tolerance may be left
// out, empty lines are passed over. NotFound where there is no file; InvalidArgument, with file and
// line, where a line is something else, or no line has anything.
Expected<std::vector<GoldenExample>> readExamples(const std::filesystem::path& path);
Expected<std::vector<GoldenExample>> parseExamples(std::string_view text, const std::string& file);

// "" where `actual` is what was expected, else the first place that differs, as a JSON path, and
// both values: "outputs[0].data[3]: expected 0.25, got 0.75". Numbers may differ by tolerance ×
// max(1, |expected|). Members that `expected` does not name may have any value: servers add ids and
// versions of their own. Arrays must be of one length.
std::string difference(const nlohmann::json& expected, const nlohmann::json& actual,
                       double tolerance);

// Where a server of `protocol` ("v2", "v1", "json") takes requests: "/v2/models/fuel/infer",
// "/v1/models/fuel:predict", "/".
std::string inferencePath(const std::string& protocol, const std::string& model);

}  // namespace reprise::agent
