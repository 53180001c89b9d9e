// Training rows from text, streamed: CSV with a header (RFC 4180) and JSON, one flat object a line.
// Memory stays bounded by the longest line (1 MiB) and the sample that a first basis is fitted
// from.
#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "drift/basis.h"
#include "drift/profile.h"
#include "drift/row.h"

namespace reprise::drift {

struct TableOptions {
  std::vector<std::string>
      ignore;  // columns that are no inputs of the model: the label, an id, a weight
  std::size_t maxLineBytes = 1 << 20;
};

// Called for each row, cells in the order of the header it got first; an error it returns ends the
// reading.
struct TableReader {
  std::function<Expected<void>(const std::vector<std::string>& names)> onHeader;
  std::function<Expected<void>(const Row& row)> onRow;
};

// An empty field is missing; a field that is a decimal number is one ("nan", "inf" too), if it is
// not quoted; all else is text. Errors (InvalidArgument) name line and column.
Expected<void> readCsv(std::istream& in, const TableOptions& options, const TableReader& reader);

// Names come from the first object, in its order of the alphabet; later objects may leave some out
// (missing); a new name, a nested value or a line that is no object is an error with the line.
// true/false are 1/0.
Expected<void> readJsonLines(std::istream& in, const TableOptions& options,
                             const TableReader& reader);

// One row of a request by a basis: an object by names (others are ignored, absent ones are missing)
// or an array by position.
Expected<Row> rowFromJson(const Basis& basis, const nlohmann::json& value);

enum class TableFormat { Csv, JsonLines };

struct BuildOptions {
  TableOptions table;
  FitOptions fit;
  std::size_t sampleRows =
      10'000;  // a new basis is fitted from the first … rows (and from all if fewer)
};

// The profile of a file. With `basis` (that of an earlier version of the model) it is used if the
// columns are the same; else, and without one, a basis is fitted: the first sampleRows rows are
// held back, the basis is fitted from them, then they and all that follows are added, so the file
// is read once. Rows sorted by something make such a sample one-sided: then only scaling and bins
// suffer, not correctness. `basisChanged` says that a given basis did not fit, and why.
struct BuiltProfile {
  ProfileDocument document;
  std::string basisChanged;  // "" where it did not
};
Expected<BuiltProfile> buildProfile(std::istream& in, TableFormat format,
                                    const BuildOptions& options, const Basis* basis = nullptr);

}  // namespace reprise::drift
