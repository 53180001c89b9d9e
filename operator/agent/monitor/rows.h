// Rows and predictions in the bodies of inference requests and their answers. Pure; nothing here
// throws or trusts: a body that has no rows in a known shape has none, and `problem` says why.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "drift/basis.h"
#include "drift/row.h"

namespace reprise::agent::monitor {

inline constexpr std::size_t kMaxRequestRows = 10'000;  // of one request; more are left out

struct Rows {
  std::vector<drift::Row> rows;
  std::string problem;  // "" where each row was read
};

// Open Inference Protocol 2: one tensor [n, d] whose d values are the features by position, or one
// tensor a feature, named as it is, of shape [n] or [n, 1]. Data flat or nested.
Rows parseV2(std::string_view body, const drift::Basis& basis);
// KServe 1: {"instances": [[…], …]}, {"instances": [{…}, …]}, {"inputs": {"x": […], …}} or
// {"inputs": [[…], …]}.
Rows parseV1(std::string_view body, const drift::Basis& basis);
// An object by names, an array of them, or either under "rows", "data", "instances", "inputs",
// "dataframe_records";
// {"columns": […], "data": [[…], …]}, also under "dataframe_split".
Rows parseJsonRows(std::string_view body, const drift::Basis& basis);

// protocol: "v2", "v1" or "json".
Rows parseRows(std::string_view protocol, std::string_view body, const drift::Basis& basis);

struct Prediction {
  drift::Cell value;
  bool quantity =
      false;  // a real number, whose error has a size; else a class, which is right or wrong
};

// One a row. v2: the output named label, prediction(s) or class(es), else the first. v1:
// "predictions". json: one of "predictions", "prediction", "labels", "label", or the whole body.
// None where the shape is another.
std::vector<Prediction> parsePredictions(std::string_view protocol, std::string_view body);

// 0 or 1 for classes, the absolute difference of quantities.
double errorOf(const Prediction& prediction, const Prediction& label);

}  // namespace reprise::agent::monitor
