#include "cli/replay_input.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include <nlohmann/json.hpp>

#include "drift/csv.h"
#include "drift/forest.h"

namespace reprise::cli {
namespace {

using drift::Cell;
using drift::ReplayRow;
using drift::ReplayVersion;
using nlohmann::json;

tl::unexpected<Error> wrong(const std::string& file, const std::string& what) {
  return fail(ErrorCode::InvalidArgument, file + ": " + what);
}

struct Table {
  std::vector<std::string> names;
  std::vector<drift::Row> rows;
  std::size_t column(const std::string& name) const {
    return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
  }
};

Expected<Table> readTable(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return wrong(path, "cannot be opened");
  Table out;
  const drift::TableReader reader{[&](const std::vector<std::string>& names) -> Expected<void> {
                                    out.names = names;
                                    return {};
                                  },
                                  [&](const drift::Row& row) -> Expected<void> {
                                    out.rows.push_back(row);
                                    return {};
                                  }};
  const auto ending = std::filesystem::path(path).extension().string();
  const bool lines = ending == ".jsonl" || ending == ".ndjson";
  if (!lines && ending != ".csv")
    return wrong(path, "must end in .csv, .jsonl or .ndjson, so that it is known how to read it");
  const auto good = lines ? drift::readJsonLines(in, {}, reader) : drift::readCsv(in, {}, reader);
  if (!good) return wrong(path, good.error().message);
  if (out.rows.empty()) return wrong(path, "has no rows");
  return out;
}

Expected<json> readJson(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return wrong(path, "cannot be opened");
  try {
    return json::parse(in);
  } catch (const json::parse_error& error) {
    return wrong(path, std::string("is not JSON: ") + error.what());
  }
}

std::string text(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

// Where the features of a basis are in a table.
Expected<std::vector<std::size_t>> placesOf(const drift::Basis& basis, const Table& table,
                                            const std::string& file) {
  std::vector<std::size_t> out;
  for (const auto& feature : basis.features()) {
    out.push_back(table.column(feature.name));
    if (out.back() == table.names.size())
      return wrong(file, "has no column '" + feature.name + "', which the versions' profiles have");
  }
  return out;
}

std::vector<ReplayRow> rowsOf(const Table& table, const std::vector<std::size_t>& places,
                              const ReplayFiles& files) {
  const auto cell = [&](const drift::Row& row, const std::string& name) {
    const auto at = name.empty() ? table.names.size() : table.column(name);
    return at < row.size() ? row[at] : Cell{};
  };
  std::vector<ReplayRow> out;
  out.reserve(table.rows.size());
  for (const auto& row : table.rows) {
    ReplayRow one;
    for (const auto place : places) one.row.push_back(row[place]);
    one.label = cell(row, files.label);
    one.kind = drift::labelText(cell(row, files.kind));
    one.context = drift::labelText(cell(row, files.context));
    out.push_back(std::move(one));
  }
  return out;
}

// Numbers by their difference, all else by right or wrong.
double errorOf(const Cell& answer, const Cell& label) {
  if (answer.index() == 0 || label.index() == 0) return std::numeric_limits<double>::quiet_NaN();
  const auto* a = std::get_if<double>(&answer);
  const auto* b = std::get_if<double>(&label);
  const bool whole = a && b && *a == std::floor(*a) && *b == std::floor(*b);
  if (a && b && !whole) return std::abs(*a - *b);
  return drift::labelText(answer) == drift::labelText(label) ? 0 : 1;
}

struct Entry {
  std::string where, name, kind, context, data, predictions;
  std::optional<drift::ReferenceError> reference;
  const json* profile = nullptr;
};

Expected<std::vector<Entry>> entriesOf(const json& file, const std::string& path) {
  const bool listed = file.is_object() && file.contains("items");
  const auto it = file.is_object() ? file.find(listed ? "items" : "versions") : file.end();
  if (!file.is_object() || it == file.end() || !it->is_array() || it->empty()) {
    return wrong(path,
                 "must be {\"versions\": [...]} or a list of ModelVersions (kubectl get "
                 "modelversions -o json), with one version at least");
  }
  std::vector<Entry> out;
  for (std::size_t i = 0; i < it->size(); ++i) {
    const json& item = (*it)[i];
    Entry entry;
    entry.where = (listed ? "items[" : "versions[") + std::to_string(i) + "]";
    if (!item.is_object()) return wrong(path, entry.where + ": must be an object");
    const json none = json::object();
    const json& meta = listed && item.contains("metadata") ? item["metadata"] : none;
    const json& spec = listed ? (item.contains("spec") ? item["spec"] : none) : item;
    entry.name = text(listed ? meta : item, "name");
    if (entry.name.empty()) return wrong(path, entry.where + ".name: is missing");
    for (const auto& other : out) {
      if (other.name == entry.name)
        return wrong(path, entry.where + ".name: '" + entry.name + "' is there twice");
    }
    entry.kind = text(spec, "kind");
    entry.context = text(spec, "context");
    entry.data = text(spec, "data");
    entry.predictions = text(spec, "predictions");
    if (const auto profile = spec.find("profile"); profile != spec.end() && profile->is_object())
      entry.profile = &*profile;
    if (const auto given = spec.find("reference"); given != spec.end()) {
      const bool good = given->is_object() && given->contains("error") && given->contains("rows") &&
                        (*given)["error"].is_number() && (*given)["rows"].is_number_integer() &&
                        (*given)["error"] >= 0 && (*given)["rows"] > 0;
      if (!good)
        return wrong(path, entry.where +
                               ".reference: must be {\"error\": number ≥ 0, \"rows\": "
                               "integer > 0}");
      entry.reference = drift::ReferenceError{(*given)["error"], (*given)["rows"]};
    }
    if (!entry.profile && entry.data.empty())
      return wrong(path, entry.where + " ('" + entry.name +
                             "'): has no profile; give \"profile\", or \"data\": the file of its "
                             "training rows");
    out.push_back(std::move(entry));
  }
  return out;
}

// The columns that are no inputs.
std::vector<std::string> inputsOf(const Table& table, const ReplayFiles& files,
                                  const std::vector<Entry>& entries) {
  std::vector<std::string> out;
  for (const auto& name : table.names) {
    const bool other =
        name == files.label || name == files.kind || name == files.context ||
        std::find(files.ignore.begin(), files.ignore.end(), name) != files.ignore.end() ||
        std::any_of(entries.begin(), entries.end(),
                    [&](const auto& one) { return one.predictions == name; });
    if (!other) out.push_back(name);
  }
  return out;
}

Expected<void> checkColumns(const Table& table, const ReplayFiles& files,
                            const std::vector<Entry>& entries) {
  const auto check = [&](const std::string& name, const std::string& what) -> Expected<void> {
    if (!name.empty() && table.column(name) == table.names.size())
      return wrong(files.rows, "has no column '" + name + "' (" + what + ")");
    return {};
  };
  for (const auto& [name, what] :
       {std::pair{files.label, "--label"}, {files.kind, "--kind"}, {files.context, "--context"}}) {
    if (auto good = check(name, what); !good) return good;
  }
  for (const auto& name : files.ignore) {
    if (auto good = check(name, "--ignore"); !good) return good;
  }
  for (const auto& entry : entries) {
    if (auto good = check(entry.predictions, entry.where + ".predictions"); !good) return good;
  }
  return {};
}

drift::ErrorOf fromColumn(const Table& table, const std::string& name) {
  std::vector<Cell> answers;
  const auto at = table.column(name);
  for (const auto& row : table.rows) answers.push_back(row[at]);
  return [answers = std::move(answers)](const std::vector<ReplayRow>& rows, std::size_t row) {
    return errorOf(answers[row], rows[row].label);
  };
}

Expected<drift::Basis> fit(const Table& table, const std::vector<std::string>& names,
                           std::size_t count, const std::string& file) {
  for (const auto& name : names) {
    if (table.column(name) == table.names.size())
      return wrong(file, "has no column '" + name + "', which the rows to replay have");
  }
  std::vector<drift::Row> sample;
  for (std::size_t i = 0; i < std::min(count, table.rows.size()); ++i) {
    drift::Row row;
    for (const auto& name : names) row.push_back(table.rows[i][table.column(name)]);
    sample.push_back(std::move(row));
  }
  auto basis = drift::Basis::fit(names, sample);
  if (!basis) return wrong(file, basis.error().message);
  return std::move(*basis);
}

Expected<ReplayVersion> versionOf(const Entry& entry, const Table& table, const drift::Basis& basis,
                                  const Table* data, const std::string& path,
                                  const ReplayFiles& files) {
  ReplayVersion out;
  if (data) {
    const auto places = placesOf(basis, *data, entry.data);
    if (!places) return tl::unexpected(places.error());
    const auto rows = rowsOf(*data, *places, files);
    auto made = drift::forestTrainer(basis)(rows, 0, rows.size());
    if (!made) return wrong(entry.data, made.error().message);
    out = std::move(*made);
  } else {
    auto document = drift::ProfileDocument::fromJson(*entry.profile);
    if (!document) return wrong(path, entry.where + ".profile: " + document.error().message);
    out.profile = std::make_shared<const drift::Profile>(std::move(document->profile));
  }
  out.name = entry.name;
  out.kind = entry.kind.empty() && !files.kind.empty() ? entry.name : entry.kind;
  out.context = entry.context;
  if (!entry.predictions.empty()) out.error = fromColumn(table, entry.predictions);
  if (entry.reference) out.reference = entry.reference;
  return out;
}

Expected<ReplayInput> withoutVersions(const Table& table, const ReplayFiles& files) {
  const auto count = static_cast<std::size_t>(files.trainRows);
  if (table.rows.size() <= count) {
    return wrong(files.rows, "has " + std::to_string(table.rows.size()) +
                                 " rows; without --versions the first " + std::to_string(count) +
                                 " make the first version and the others are replayed");
  }
  const auto names = inputsOf(table, files, {});
  auto basis = fit(table, names, count, files.rows);
  if (!basis) return tl::unexpected(basis.error());
  const auto places = placesOf(*basis, table, files.rows);
  auto rows = rowsOf(table, *places, files);
  auto first = drift::forestTrainer(*basis)(rows, 0, count);
  if (!first) return wrong(files.rows, first.error().message);
  first->name = "v1";
  first->kind = rows[count / 2].kind;
  first->context = rows[count / 2].context;
  rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(count));
  return ReplayInput{std::move(*basis),
                     std::move(rows),
                     {std::move(*first)},
                     {"the first " + std::to_string(count) +
                      " rows made version v1; row 1 is the one after them"}};
}

}  // namespace

Expected<ReplayInput> readReplay(const ReplayFiles& files) {
  auto table = readTable(files.rows);
  if (!table) return tl::unexpected(table.error());
  if (files.versions.empty()) {
    if (auto good = checkColumns(*table, files, {}); !good) return tl::unexpected(good.error());
    return withoutVersions(*table, files);
  }
  const auto file = readJson(files.versions);
  if (!file) return tl::unexpected(file.error());
  const auto entries = entriesOf(*file, files.versions);
  if (!entries) return tl::unexpected(entries.error());
  if (auto good = checkColumns(*table, files, *entries); !good) return tl::unexpected(good.error());
  std::optional<drift::Basis> basis;
  std::vector<std::optional<Table>> data(entries->size());
  for (std::size_t i = 0; i < entries->size(); ++i) {
    const auto& entry = (*entries)[i];
    if (entry.profile) {
      auto document = drift::ProfileDocument::fromJson(*entry.profile);
      if (!document)
        return wrong(files.versions, entry.where + ".profile: " + document.error().message);
      if (!basis) basis = std::move(document->basis);
      continue;
    }
    const auto path = std::filesystem::path(files.versions).parent_path() / entry.data;
    auto read = readTable(path.string());
    if (!read) return tl::unexpected(read.error());
    data[i] = std::move(*read);
  }
  if (!basis) {
    auto made = fit(*data[0], inputsOf(*table, files, *entries), 10'000, (*entries)[0].data);
    if (!made) return tl::unexpected(made.error());
    basis = std::move(*made);
  }
  const auto places = placesOf(*basis, *table, files.rows);
  if (!places) return tl::unexpected(places.error());
  ReplayInput out{*basis, rowsOf(*table, *places, files), {}, {}};
  for (std::size_t i = 0; i < entries->size(); ++i) {
    auto made = versionOf((*entries)[i], *table, *basis, data[i] ? &*data[i] : nullptr,
                          files.versions, files);
    if (!made) return tl::unexpected(made.error());
    if (!made->error && !files.label.empty())
      out.notes.push_back("the errors of " + made->name +
                          " are not known, so labels say nothing of it: give \"data\" or "
                          "\"predictions\" in " +
                          files.versions);
    out.versions.push_back(std::move(*made));
  }
  if (files.serving.empty()) return out;
  const auto it = std::find_if(out.versions.begin(), out.versions.end(),
                               [&](const auto& one) { return one.name == files.serving; });
  if (it == out.versions.end())
    return wrong(files.versions, "has no version '" + files.serving + "' (--serving)");
  std::rotate(out.versions.begin(), it, it + 1);
  return out;
}

}  // namespace reprise::cli
