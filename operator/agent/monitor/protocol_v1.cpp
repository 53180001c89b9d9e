// KServe's protocol 1, and plain JSON.
#include <algorithm>
#include <cmath>

#include "agent/monitor/json_read.h"
#include "agent/monitor/rows.h"
#include "drift/csv.h"

namespace reprise::agent::monitor {

using nlohmann::json;

std::vector<Prediction> predictionsV2(const json& value);  // protocol_v2.cpp

namespace {

bool namesAny(const json& object, const drift::Basis& basis) {
  return std::any_of(basis.features().begin(), basis.features().end(),
                     [&](const drift::Feature& feature) { return object.contains(feature.name); });
}

void addRow(const json& value, const drift::Basis& basis, Rows& out) {
  if (out.rows.size() >= kMaxRequestRows) return;
  const json* row = &value;
  json alone;
  // {"x": [1, 2, 3]}: one array under a name of the server's own
  if (row->is_object() && row->size() == 1 && row->begin()->is_array() && !namesAny(*row, basis))
    row = &*row->begin();
  if (!row->is_structured() && basis.features().size() == 1) {
    alone = json::array({*row});
    row = &alone;
  }
  // An object that shares no name with the model is no row of it, rather than one in which all is
  // missing.
  if (row->is_object() && !namesAny(*row, basis)) {
    out.problem = "a row has none of the model's features";
    return;
  }
  auto cells = drift::rowFromJson(basis, *row);
  if (cells)
    out.rows.push_back(std::move(*cells));
  else
    out.problem = cells.error().message;
}

// An array of rows; an array of plain values is one row.
void addRows(const json& value, const drift::Basis& basis, Rows& out) {
  if (!value.is_array()) return addRow(value, basis, out);
  const bool flat = !value.empty() && !value.front().is_structured();
  if (flat && basis.features().size() > 1) return addRow(value, basis, out);
  for (const json& row : value) addRow(row, basis, out);
}

// {"x": [1, 2], "y": [3, 4]}: two rows.
void addColumns(const json& columns, const drift::Basis& basis, Rows& out) {
  const auto& features = basis.features();
  std::vector<std::vector<const json*>> values(features.size());
  std::size_t rows = 0;
  for (std::size_t i = 0; i < features.size(); ++i) {
    const auto column = columns.find(features[i].name);
    if (column == columns.end()) continue;
    if (!flatten(*column, values[i])) {
      out.problem = "'" + features[i].name + "' must be numbers or texts";
      return;
    }
    rows = std::max(rows, values[i].size());
  }
  for (const auto& column : values) {
    if (!column.empty() && column.size() != rows) {
      out.problem = "the columns have different lengths";
      return;
    }
  }
  for (std::size_t r = 0; r < std::min(rows, kMaxRequestRows); ++r) {
    drift::Row row;
    row.reserve(features.size());
    for (const auto& column : values)
      row.push_back(column.empty() ? drift::Cell() : cellOf(*column[r]));
    out.rows.push_back(std::move(row));
  }
}

// pandas' orient "split".
bool addSplit(const json& value, const drift::Basis& basis, Rows& out) {
  const auto columns = value.find("columns"), data = value.find("data");
  if (columns == value.end() || data == value.end() || !columns->is_array() || !data->is_array())
    return false;
  std::vector<int> place;
  for (const json& name : *columns)
    place.push_back(name.is_string() ? basis.indexOf(name.get<std::string>()) : -1);
  if (std::all_of(place.begin(), place.end(), [](int at) { return at < 0; })) return false;
  for (const json& line : *data) {
    if (out.rows.size() >= kMaxRequestRows) break;
    if (!line.is_array() || line.size() != place.size()) {
      out.problem = "data: a row has another length than columns";
      continue;
    }
    drift::Row row(basis.features().size());
    for (std::size_t i = 0; i < place.size(); ++i) {
      if (place[i] >= 0) row[static_cast<std::size_t>(place[i])] = cellOf(line[i]);
    }
    out.rows.push_back(std::move(row));
  }
  return true;
}

Prediction predictionOf(const json& value) {
  const json* one = &value;
  if (one->is_array() && one->size() == 1) one = &one->front();
  if (one->is_object()) {
    for (const char* name : {"label", "prediction", "class", "value"}) {
      if (const auto it = one->find(name); it != one->end()) {
        one = &*it;
        break;
      }
    }
  }
  return {cellOf(*one), one->is_number_float()};
}

std::vector<Prediction> predictionsOf(const json& value) {
  if (!value.is_array()) return {predictionOf(value)};
  if (value.size() > kMaxRequestRows) return {};
  std::vector<Prediction> out;
  for (const json& one : value) out.push_back(predictionOf(one));
  return out;
}

}  // namespace

Rows parseV1(std::string_view body, const drift::Basis& basis) {
  Rows out;
  const json value = readJson(body);
  if (!value.is_object()) return {{}, "the body is not a JSON object"};
  if (const auto instances = value.find("instances");
      instances != value.end() && instances->is_array()) {
    for (const json& row : *instances) addRow(row, basis, out);
  } else if (const auto inputs = value.find("inputs"); inputs != value.end()) {
    inputs->is_object() ? addColumns(*inputs, basis, out) : addRows(*inputs, basis, out);
  } else {
    out.problem = "there is neither 'instances' nor 'inputs'";
  }
  if (out.rows.empty() && out.problem.empty()) out.problem = "there are no rows";
  return out;
}

Rows parseJsonRows(std::string_view body, const drift::Basis& basis) {
  Rows out;
  const json value = readJson(body);
  if (value.is_array()) {
    addRows(value, basis, out);
  } else if (value.is_object()) {
    const auto split = value.find("dataframe_split");
    if (split != value.end() && split->is_object() && addSplit(*split, basis, out)) return out;
    if (addSplit(value, basis, out)) return out;
    if (namesAny(value, basis)) {
      const bool columns =
          std::any_of(value.begin(), value.end(), [](const json& v) { return v.is_array(); });
      columns ? addColumns(value, basis, out) : addRow(value, basis, out);
      return out;
    }
    for (const char* name : {"rows", "data", "instances", "inputs", "dataframe_records"}) {
      const auto rows = value.find(name);
      if (rows == value.end() || !rows->is_structured()) continue;
      rows->is_object() && !namesAny(*rows, basis) ? void() : addRows(*rows, basis, out);
      break;
    }
  } else {
    out.problem = "the body is not JSON";
  }
  if (out.rows.empty() && out.problem.empty())
    out.problem = "there are no rows of the model's features";
  return out;
}

Rows parseRows(std::string_view protocol, std::string_view body, const drift::Basis& basis) {
  if (protocol == "v2") return parseV2(body, basis);
  if (protocol == "v1") return parseV1(body, basis);
  return parseJsonRows(body, basis);
}

std::vector<Prediction> parsePredictions(std::string_view protocol, std::string_view body) {
  const json value = readJson(body);
  if (value.is_discarded()) return {};
  if (protocol == "v2") return predictionsV2(value);
  if (!value.is_object())
    return protocol == "v1" ? std::vector<Prediction>() : predictionsOf(value);
  for (const char* name : {"predictions", "prediction", "labels", "label"}) {
    if (const auto it = value.find(name);
        it != value.end() && (protocol == "json" || name == std::string_view("predictions"))) {
      return predictionsOf(*it);
    }
  }
  return {};
}

double errorOf(const Prediction& prediction, const Prediction& label) {
  const auto* a = std::get_if<double>(&prediction.value);
  const auto* b = std::get_if<double>(&label.value);
  // A class that was predicted as 1.0 and labelled 1 is the same one; a quantity is one where
  // either side says so.
  if (a && b && (prediction.quantity || label.quantity)) {
    const double size = std::abs(*a - *b);
    return std::isfinite(size) ? size : 0;
  }
  return prediction.value == label.value ? 0 : 1;
}

}  // namespace reprise::agent::monitor
