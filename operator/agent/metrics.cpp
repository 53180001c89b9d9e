#include "agent/metrics.h"

#include <algorithm>
#include <cmath>

#include "agent/files.h"

namespace reprise::agent {
namespace {

// Where `name` stands as a key: "line 3, column 5".
std::string placeOf(const std::string& text, const std::string& name) {
  const std::string key = nlohmann::json(name).dump();
  for (std::size_t at = text.find(key); at != std::string::npos; at = text.find(key, at + 1)) {
    const std::size_t colon = text.find_first_not_of(" \t\r\n", at + key.size());
    if (colon == std::string::npos || text[colon] != ':') continue;
    const auto line =
        1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    const std::size_t start = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
    const std::size_t column = start == std::string::npos ? at + 1 : at - start;
    return ", line " + std::to_string(line) + ", column " + std::to_string(column);
  }
  return "";  // written with escapes: the name alone has to do
}

}  // namespace

Expected<std::map<std::string, std::string>> readMetrics(const fs::path& path) {
  auto text = readFile(path, std::size_t{1} << 20);
  if (!text) return tl::unexpected(text.error());
  const std::string file = path.filename().string();
  auto json = parseJson(*text, file);
  if (!json) return tl::unexpected(json.error());
  if (!json->is_object()) {
    return fail(ErrorCode::InvalidArgument,
                file + ", line 1, column 1: must be an object of numbers, {\"rmse\": 0.41}");
  }
  if (json->size() > kMaxMetrics) {
    return fail(ErrorCode::InvalidArgument, file + " has " + std::to_string(json->size()) +
                                                " metrics; write at most " +
                                                std::to_string(kMaxMetrics));
  }
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : json->items()) {
    if (!value.is_number() || !std::isfinite(value.get<double>())) {
      return fail(ErrorCode::InvalidArgument, file + placeOf(*text, name) + ": '" + name + "' is " +
                                                  value.type_name() +
                                                  ", it must be a finite number");
    }
    out[name] = value.dump();
  }
  return out;
}

}  // namespace reprise::agent
