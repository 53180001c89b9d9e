// The environment that is really inside a container: which Python, which packages, which platform.
// And how it compares with the one that is pinned, and with the one that is in force.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace reprise::agent {

struct Environment {
  std::string python;                           // "3.11.2"; "" where the image has none
  std::map<std::string, std::string> packages;  // normalised name (PEP 503) → version
  std::string platform;                         // "linux/amd64"

  // Of the lines "name==version\n", sorted by name: equal for equal packages, however they were
  // installed.
  std::string packagesSha256() const;
};

nlohmann::json toJson(const Environment& environment);
// Reads what toJson wrote; members that are left out are empty. `where` begins the error's message.
Expected<Environment> environmentFromJson(const nlohmann::json& json, const std::string& where);

// PEP 503: lower case, runs of "-", "_" and "." are one "-".
std::string normalizePackage(std::string_view name);
// "linux/amd64", as OCI images name it.
std::string currentPlatform();

// One line of a requirements file: name==version.
struct PackagePin {
  std::string name;          // normalised
  std::string version;       // "1.26.4" or "1.26.*"
  bool conditional = false;  // has an environment marker: may be absent, but not another version
};
// Options (-r, --hash, …) and comments are passed over; anything but == is refused, with its line.
Expected<std::vector<PackagePin>> parsePackagePins(std::string_view text, const std::string& file);

// "" if `environment` is what was asked for, else a sentence with every difference (at most 12) and
// the mend. `python` "3.11" accepts 3.11 and 3.11.x; "" accepts any.
std::string pinMismatch(const Environment& environment, const std::string& python,
                        const std::vector<PackagePin>& packages);

// "python 3.11.2 → 3.13.5", "numpy 1.26.4 → 2.2.0", "joblib 1.4.0 → none"; Python first, then by
// name, at most `limit` and then "and 5 more". Platform is not compared where either is unknown.
std::vector<std::string> changesBetween(const Environment& before, const Environment& after,
                                        std::size_t limit = 12);

}  // namespace reprise::agent
