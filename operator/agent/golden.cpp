#include "agent/golden.h"

#include <algorithm>
#include <cmath>

#include "agent/files.h"

namespace reprise::agent {
namespace {

using nlohmann::json;

constexpr std::size_t kShownBytes = 80;
constexpr const char* kLineShape = "{\"request\": …, \"response\": …, \"tolerance\": 1e-6}";

tl::unexpected<Error> malformed(std::string message) {
  return fail(ErrorCode::InvalidArgument, std::move(message));
}

Expected<GoldenExample> parseExample(std::string_view line, const std::string& where) {
  auto object = parseJson(line, where);
  if (!object) return tl::unexpected(object.error());
  if (!object->is_object()) return malformed(where + ": must be an object " + kLineShape);
  GoldenExample example;
  for (auto& [name, value] : object->items()) {
    if (name == "request") {
      example.request = std::move(value);
    } else if (name == "response") {
      example.response = std::move(value);
    } else if (name == "tolerance") {
      if (!value.is_number() || !std::isfinite(value.get<double>()) || value.get<double>() < 0) {
        return malformed(where + ": tolerance must be a number that is not negative");
      }
      example.tolerance = value.get<double>();
    } else {
      return malformed(where + ": unknown member '" + name + "'; a line is " + kLineShape);
    }
  }
  for (const char* name : {"request", "response"}) {
    if (!object->contains(name))
      return malformed(where + ": '" + name + "' is missing; a line is " + kLineShape);
  }
  return example;
}

std::string shown(const json& value) {
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() <= kShownBytes) return text;
  std::size_t end = kShownBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;  // not in mid-character
  return text.substr(0, end) + "…";
}

std::string differs(const std::string& path, const std::string& expected,
                    const std::string& actual) {
  return (path.empty() ? "the whole response" : path) + ": expected " + expected + ", got " +
         actual;
}

bool close(const json& expected, const json& actual, double tolerance) {
  if (expected == actual) return true;
  // As doubles, ids above 2^53 would be equal to their neighbours.
  if (tolerance == 0 && expected.is_number_integer() && actual.is_number_integer()) return false;
  const double a = expected.get<double>(), b = actual.get<double>();
  return std::abs(a - b) <= tolerance * std::max(1.0, std::abs(a));
}

std::string compare(const json& expected, const json& actual, double tolerance,
                    const std::string& path) {
  if (expected.is_number() && actual.is_number()) {
    return close(expected, actual, tolerance) ? "" : differs(path, shown(expected), shown(actual));
  }
  if (expected.is_array() && actual.is_array()) {
    if (expected.size() != actual.size()) {
      return differs(path, std::to_string(expected.size()) + " elements",
                     std::to_string(actual.size()));
    }
    for (std::size_t i = 0; i < expected.size(); ++i) {
      std::string found =
          compare(expected[i], actual[i], tolerance, path + "[" + std::to_string(i) + "]");
      if (!found.empty()) return found;
    }
    return "";
  }
  if (expected.is_object() && actual.is_object()) {
    for (const auto& [name, value] : expected.items()) {
      const std::string inner = path.empty() ? name : path + "." + name;
      const auto it = actual.find(name);
      if (it == actual.end()) return differs(inner, shown(value), "nothing");
      std::string found = compare(value, *it, tolerance, inner);
      if (!found.empty()) return found;
    }
    return "";
  }
  return expected == actual ? "" : differs(path, shown(expected), shown(actual));
}

}  // namespace

Expected<std::vector<GoldenExample>> parseExamples(std::string_view text, const std::string& file) {
  std::vector<GoldenExample> out;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    auto example = parseExample(line, file + ", line " + std::to_string(number));
    if (!example) return tl::unexpected(example.error());
    out.push_back(std::move(*example));
  }
  if (out.empty()) {
    return malformed(file + " has no golden request; write one a line, " + kLineShape +
                     ", or leave the file out");
  }
  return out;
}

Expected<std::vector<GoldenExample>> readExamples(const std::filesystem::path& path) {
  auto text = readFile(path, kMaxExamplesBytes);
  if (!text) return tl::unexpected(text.error());
  return parseExamples(*text, path.filename().string());
}

std::string difference(const json& expected, const json& actual, double tolerance) {
  return compare(expected, actual, tolerance, "");
}

std::string inferencePath(const std::string& protocol, const std::string& model) {
  if (protocol == "v2") return "/v2/models/" + model + "/infer";
  if (protocol == "v1") return "/v1/models/" + model + ":predict";
  return "/";
}

}  // namespace reprise::agent
