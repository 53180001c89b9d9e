// What `kubectl reprise replay` reads: rows, and the versions that are kept as they begin.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "drift/replay.h"

namespace reprise::cli {

struct ReplayFiles {
  std::string rows;                  // .csv, .jsonl or .ndjson
  std::string versions;              // .json; "": the first trainRows rows make the first version
  std::string label, kind, context;  // columns; "": there is none
  std::vector<std::string> ignore;   // columns that are no inputs
  std::string serving;               // version; "": the first
  std::int64_t trainRows = 1000;
};

struct ReplayInput {
  drift::Basis basis;
  std::vector<drift::ReplayRow> rows;
  std::vector<drift::ReplayVersion> versions;  // what serves first is the first
  std::vector<std::string> notes;              // what the score cannot say, and why
};

// The versions file: {"versions": [...]} or a Kubernetes list of ModelVersions, as `kubectl get
// modelversions -o json` prints it. An entry of the first kind has "name", "profile" (a profile
// document) or "data" (a file of its training rows, beside the versions file), and may have "kind",
// "context", "reference": {"error", "rows"} and "predictions": a column of the rows file that holds
// its answers. Errors name the file and, in rows, the line.
Expected<ReplayInput> readReplay(const ReplayFiles& files);

}  // namespace reprise::cli
