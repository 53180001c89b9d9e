// Training rows, as CSV (first byte even) or JSON lines (odd).
#include "fuzz/fuzz.h"

#include <sstream>

#include "drift/csv.h"

using namespace reprise;

REPRISE_FUZZ_TARGET(text) {
  if (text.empty()) return;
  const auto format =
      text.front() % 2 == 0 ? drift::TableFormat::Csv : drift::TableFormat::JsonLines;
  drift::BuildOptions options;
  options.table.maxLineBytes = 4096;
  options.sampleRows = 50;
  std::istringstream in{std::string(text.substr(1))};
  const auto built = drift::buildProfile(in, format, options);
  if (!built) return fuzz::require(!built.error().message.empty(), "what is refused says why");
  const auto again = drift::ProfileDocument::fromJson(built->document.toJson());
  fuzz::require(again.has_value(),
                "what was built cannot be read: " + (again ? "" : again.error().message));
  fuzz::require(again->profile == built->document.profile, "what was built is read as another one");
}
