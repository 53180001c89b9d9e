// What the operator says of the data that the served version was trained on: files in --input.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "drift/profile.h"

namespace reprise::agent::monitor {

// Neither: the version has no profile; the monitor then forwards, and learns nothing of rows.
struct VersionData {
  std::optional<drift::Basis> basis;      // windows are made over it …
  std::optional<drift::Profile> profile;  // … and compared with this one
};

// profile.json, a drift::ProfileDocument, if it is there and not null; else basis.json, a
// drift::Basis or null, which then must be there. InvalidArgument names the file. No directory
// (""): neither.
Expected<VersionData> readVersionData(const std::string& directory);

}  // namespace reprise::agent::monitor
