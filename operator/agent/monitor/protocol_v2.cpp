// The Open Inference Protocol, version 2, over HTTP.
#include <algorithm>
#include <optional>

#include "agent/monitor/json_read.h"
#include "agent/monitor/rows.h"

namespace reprise::agent::monitor {
namespace {

using nlohmann::json;

struct Tensor {
  std::string name;
  std::size_t rows = 0, width = 0;  // shape[0] and the product of the rest
  std::vector<const json*> values;  // rows * width
};

// nullopt with a problem where it is not what the protocol says.
std::optional<Tensor> tensorOf(const json& value, std::string& problem) {
  const auto wrong = [&](const char* what) {
    problem = what;
    return std::nullopt;
  };
  if (!value.is_object()) return wrong("inputs: a tensor must be an object");
  Tensor out;
  const auto name = value.find("name");
  if (name != value.end() && name->is_string()) out.name = name->get<std::string>();
  const auto shape = value.find("shape");
  if (shape == value.end() || !shape->is_array() || shape->empty())
    return wrong("inputs.shape: must be an array of sizes");
  std::size_t all = 1;
  for (std::size_t i = 0; i < shape->size(); ++i) {
    const json& size = (*shape)[i];
    if (!size.is_number_unsigned() || size.get<std::uint64_t>() > 100'000'000)
      return wrong("inputs.shape: must be an array of sizes");
    const auto n = size.get<std::size_t>();
    if (i == 0) out.rows = n;
    all *= n;
    if (all > 100'000'000) return wrong("inputs.shape: is too large");
  }
  const auto data = value.find("data");
  if (data == value.end())
    return wrong("inputs.data: is not in the JSON; the binary extension is not read");
  if (!flatten(*data, out.values)) return wrong("inputs.data: must be numbers or texts");
  if (out.values.size() != all) return wrong("inputs.data: has another size than its shape");
  out.width = out.rows == 0 ? 0 : all / out.rows;
  return out;
}

// One tensor with all features of each row.
bool byPosition(const Tensor& tensor, std::size_t features, Rows& out) {
  std::size_t rows = tensor.rows, width = tensor.width;
  if (width == 1 && rows == features && features > 1) {  // shape [d]: one row
    rows = 1;
    width = features;
  }
  if (width != features) return false;
  for (std::size_t r = 0; r < std::min(rows, kMaxRequestRows); ++r) {
    drift::Row row;
    row.reserve(features);
    for (std::size_t i = 0; i < features; ++i) row.push_back(cellOf(*tensor.values[r * width + i]));
    out.rows.push_back(std::move(row));
  }
  return true;
}

bool byName(const std::vector<Tensor>& tensors, const drift::Basis& basis, Rows& out) {
  const auto& features = basis.features();
  std::vector<const Tensor*> columns(features.size(), nullptr);
  std::size_t rows = 0;
  bool any = false;
  for (const auto& tensor : tensors) {
    const int at = basis.indexOf(tensor.name);
    if (at < 0 || tensor.width != 1) continue;
    if (any && tensor.rows != rows) {
      out.problem = "inputs: '" + tensor.name + "' has another number of rows than the others";
      return false;
    }
    columns[static_cast<std::size_t>(at)] = &tensor;
    rows = tensor.rows;
    any = true;
  }
  if (!any) return false;
  for (std::size_t r = 0; r < std::min(rows, kMaxRequestRows); ++r) {
    drift::Row row;
    row.reserve(features.size());
    for (const Tensor* column : columns)
      row.push_back(column ? cellOf(*column->values[r]) : drift::Cell());
    out.rows.push_back(std::move(row));
  }
  return true;
}

}  // namespace

Rows parseV2(std::string_view body, const drift::Basis& basis) {
  Rows out;
  const json value = readJson(body);
  if (!value.is_object()) return {{}, "the body is not a JSON object"};
  const auto inputs = value.find("inputs");
  if (inputs == value.end() || !inputs->is_array() || inputs->empty())
    return {{}, "inputs: must be an array of tensors"};
  if (inputs->size() > 4 * static_cast<std::size_t>(drift::kMaxFeatures))
    return {{}, "inputs: too many tensors"};
  std::vector<Tensor> tensors;
  for (const json& input : *inputs) {
    auto tensor = tensorOf(input, out.problem);
    if (!tensor) return out;
    tensors.push_back(std::move(*tensor));
  }
  if (byName(tensors, basis, out)) return out;
  if (!out.problem.empty()) return out;
  if (tensors.size() == 1 && byPosition(tensors.front(), basis.features().size(), out)) return out;
  out.problem = "inputs: neither one tensor of " + std::to_string(basis.features().size()) +
                " features a row nor tensors named as the features are";
  return out;
}

std::vector<Prediction> predictionsV2(const json& value) {
  const auto outputs = value.is_object() ? value.find("outputs") : value.end();
  if (outputs == value.end() || !outputs->is_array() || outputs->empty()) return {};
  const json* chosen = nullptr;
  bool named = false;
  for (const json& output : *outputs) {
    if (!output.is_object()) return {};
    const auto name = output.find("name");
    if (name == output.end() || !name->is_string()) continue;
    for (const char* wanted :
         {"label", "labels", "prediction", "predictions", "predict", "class", "classes"}) {
      if (*name == wanted && !named) {
        chosen = &output;
        named = true;
      }
    }
  }
  if (!chosen) chosen = &outputs->front();
  std::string problem;
  const auto tensor = tensorOf(*chosen, problem);
  if (!tensor || tensor->width != 1 || tensor->rows > kMaxRequestRows) return {};
  const auto type = chosen->find("datatype");
  const bool real = type != chosen->end() && type->is_string() &&
                    type->get_ref<const std::string&>().starts_with("FP");
  const bool classes = tensor->name.starts_with("label") || tensor->name.starts_with("class");
  std::vector<Prediction> out;
  for (const json* one : tensor->values)
    out.push_back({cellOf(*one), real && !classes && one->is_number()});
  return out;
}

}  // namespace reprise::agent::monitor
