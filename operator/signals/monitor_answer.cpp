#include "signals/monitor_answer.h"

#include <cmath>

namespace reprise::signals {
namespace {

using nlohmann::json;

tl::unexpected<Error> bad(const std::string& what) {
  return fail(ErrorCode::InvalidArgument, what);
}

std::string text(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

std::int64_t integer(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_number_integer() ? it->get<std::int64_t>() : -1;
}

double number(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_number() ? it->get<double>() : -1;
}

// Calls `read(entry)` for each entry of the list; their seq must ascend. The newest `most` are
// kept. An absent list is an empty one.
template <class T, class Read>
Expected<MonitorAnswer::Numbered<T>> numbered(const json& object, const char* name,
                                              std::size_t most, Read read) {
  MonitorAnswer::Numbered<T> out;
  const auto list = object.find(name);
  if (list == object.end() || !list->is_array()) return out;
  std::int64_t last = 0;
  for (const json& entry : *list) {
    const auto seq = entry.is_object() ? integer(entry, "seq") : -1;
    if (seq <= last) return bad(std::string(name) + ": seq must ascend from 1");
    last = seq;
    auto value = read(entry);
    if (!value) return tl::unexpected(value.error());
    out.emplace_back(seq, std::move(*value));
    if (out.size() > most) out.erase(out.begin());
  }
  return out;
}

Expected<std::map<std::string, std::int64_t>> contexts(const json& entry) {
  std::map<std::string, std::int64_t> out;
  const auto given = entry.find("contexts");
  if (given == entry.end()) return out;
  if (!given->is_object() || given->size() > kMaxContexts)
    return bad("windows: contexts must be an object of at most " + std::to_string(kMaxContexts));
  for (const auto& [name, rows] : given->items()) {
    if (!rows.is_number_integer() || rows.get<std::int64_t>() < 0)
      return bad("windows: contexts must be counts");
    out[name] = rows.get<std::int64_t>();
  }
  return out;
}

Expected<drift::Window> window(const json& entry, const std::string& version) {
  if (!entry.contains("profile")) return bad("windows: an entry has no profile");
  auto profile = drift::Profile::fromJson(entry["profile"]);
  if (!profile) return tl::unexpected(profile.error());
  auto named = contexts(entry);
  if (!named) return tl::unexpected(named.error());
  return drift::Window{version, integer(entry, "firstMs"), integer(entry, "lastMs"),
                       std::move(*profile), std::move(*named)};
}

Expected<drift::LabelBlock> block(const json& entry, const std::string& version) {
  drift::LabelBlock out{version,
                        integer(entry, "firstMs"),
                        integer(entry, "lastMs"),
                        integer(entry, "n"),
                        number(entry, "errorSum"),
                        number(entry, "errorSqSum")};
  if (out.n < 0 || !std::isfinite(out.errorSum) || out.errorSum < 0 ||
      !std::isfinite(out.errorSqSum) || out.errorSqSum < 0)
    return bad("n, errorSum and errorSqSum must be numbers that are not negative");
  return out;
}

// A monitor that does not compare yet has none of the three.
Expected<void> readPairs(const json& entry, drift::LabelBlock& out) {
  if (!entry.contains("pairs")) return {};
  const auto gain = entry.find("gainSum");
  out.pairs = integer(entry, "pairs");
  out.gainSum = gain != entry.end() && gain->is_number() ? gain->get<double>() : NAN;
  out.gainSqSum = number(entry, "gainSqSum");
  if (out.pairs < 0 || out.pairs > out.n || !std::isfinite(out.gainSum) ||
      !std::isfinite(out.gainSqSum) || out.gainSqSum < 0)
    return bad("pairs must be 0 … n, gainSum a number and gainSqSum one that is not negative");
  return {};
}

}  // namespace

Expected<MonitorAnswer> parseMonitorAnswer(std::string_view body, const std::string& version) {
  const json answer = json::parse(body, nullptr, false);
  if (!answer.is_object()) return bad("the monitor's answer is not a JSON object");
  MonitorAnswer out;
  out.instance = text(answer, "instance");
  if (const auto golden = answer.find("golden"); golden != answer.end() && golden->is_object()) {
    out.golden = text(*golden, "state");
    out.message = text(*golden, "message");
  }
  auto windows = numbered<drift::Window>(answer, "windows", kMaxWindows,
                                         [&](const json& entry) { return window(entry, version); });
  if (!windows) return tl::unexpected(windows.error());
  auto labels = numbered<drift::LabelBlock>(
      answer, "feedback", kMaxBlocks, [&](const json& entry) { return block(entry, version); });
  if (!labels) return tl::unexpected(labels.error());
  for (auto& [seq, block] : *labels) block.answeredBy = version;
  auto stray = numbered<json>(answer, "stray", kMaxStray, [](const json& entry) -> Expected<json> {
    json label = entry;
    label.erase("seq");
    return label;
  });
  if (!stray) return tl::unexpected(stray.error());
  out.windows = std::move(*windows);
  out.labels = std::move(*labels);
  out.stray = std::move(*stray);
  return out;
}

Expected<LabelledAnswer> parseLabelled(std::string_view body) {
  const json answer = json::parse(body, nullptr, false);
  const auto rows = answer.is_object() ? answer.find("rows") : answer.end();
  if (!answer.is_object() || rows == answer.end() || !rows->is_array())
    return bad("rows: must be an array");
  LabelledAnswer out{text(answer, "instance"), {}};
  for (const json& entry : *rows) {
    if (!entry.is_object() || !entry.contains("request") || !entry.contains("label"))
      return bad("rows: an entry has no request or no label");
    LabelledRow row{integer(entry, "seq"), integer(entry, "atMs"), entry};
    if (row.seq < 1 || row.atMs < 0 || (!out.rows.empty() && row.seq <= out.rows.back().seq))
      return bad("rows: seq must ascend from 1, and atMs is a time");
    row.row.erase("seq");
    row.row.erase("atMs");
    out.rows.push_back(std::move(row));
  }
  return out;
}

Expected<drift::LabelBlock> parseScore(std::string_view body, const std::string& version) {
  const json answer = json::parse(body, nullptr, false);
  if (!answer.is_object()) return bad("the score is not a JSON object");
  auto out = block(answer, version);
  if (!out) return out;
  if (auto good = readPairs(answer, *out); !good) return tl::unexpected(good.error());
  return out;
}

}  // namespace reprise::signals
