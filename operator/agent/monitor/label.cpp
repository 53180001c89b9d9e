#include "agent/monitor/label.h"

#include <algorithm>
#include <cmath>

#include "agent/monitor/json_read.h"

namespace reprise::agent::monitor {

using nlohmann::json;

namespace {

Expected<Label> labelOf(const json& value, const std::string& where) {
  const auto wrong = [&](const std::string& what) {
    return fail(ErrorCode::InvalidArgument, where + what);
  };
  if (!value.is_object()) return wrong(": must be an object {\"id\": …, \"label\": …}");
  Label out;
  const auto id = value.find("id");
  if (id == value.end() || !id->is_string() || id->get_ref<const std::string&>().empty()) {
    return wrong(".id: must be the x-request-id of the answer");
  }
  out.id = id->get<std::string>();
  if (const auto error = value.find("error"); error != value.end()) {
    if (!error->is_number() || !std::isfinite(error->get<double>()) || error->get<double>() < 0) {
      return wrong(".error: must be a number that is not negative");
    }
    out.error = error->get<double>();
    out.isError = true;
    return out;
  }
  auto label = value.find("label");
  if (label == value.end()) label = value.find("labels");
  if (label == value.end()) return wrong(": needs 'label' or 'error'");
  out.label = *label;
  const auto scalar = [](const json& one) { return one.is_primitive(); };
  if (!(out.label.is_array() ? std::all_of(out.label.begin(), out.label.end(), scalar)
                             : scalar(out.label))) {
    return wrong(".label: must be a number, a text, or an array with one a row");
  }
  return out;
}

}  // namespace

Expected<std::vector<Label>> parseLabels(std::string_view body) {
  const json value = readJson(body);
  if (!value.is_structured()) return fail(ErrorCode::InvalidArgument, "feedback: is not JSON");
  const json* list = &value;
  if (value.is_object() && !value.contains("id")) {
    for (const char* name : {"feedback", "labels"}) {
      if (const auto it = value.find(name); it != value.end() && it->is_array()) list = &*it;
    }
  }
  std::vector<Label> out;
  if (list->is_object()) {
    auto one = labelOf(*list, "feedback");
    if (!one) return tl::unexpected(one.error());
    out.push_back(std::move(*one));
    return out;
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    auto one = labelOf((*list)[i], "feedback[" + std::to_string(i) + "]");
    if (!one) return tl::unexpected(one.error());
    out.push_back(std::move(*one));
  }
  return out;
}

}  // namespace reprise::agent::monitor
