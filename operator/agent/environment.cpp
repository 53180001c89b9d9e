#include "agent/environment.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cctype>

#include "base/digest.h"

namespace reprise::agent {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
    text.remove_suffix(1);
  return text;
}

// PEP 440 holds 1.0 and 1.0.0 for equal.
std::string withoutTrailingZeros(std::string version) {
  while (version.ends_with(".0")) version.resize(version.size() - 2);
  return version;
}

// Whether `version` is `asked` or a release below it: "3.11" covers 3.11.2 and not 3.1 or 3.110.
bool covers(const std::string& asked, const std::string& version) {
  return version == asked || version.starts_with(asked + ".");
}

bool satisfies(const PackagePin& pin, const std::string& version) {
  if (pin.version.ends_with(".*"))
    return covers(pin.version.substr(0, pin.version.size() - 2), version);
  if (withoutTrailingZeros(pin.version) == withoutTrailingZeros(version)) return true;
  // A pin without a local part accepts any: torch==2.3.0 is torch 2.3.0+cpu.
  const auto plus = version.find('+');
  return plus != std::string::npos && pin.version.find('+') == std::string::npos &&
         withoutTrailingZeros(pin.version) == withoutTrailingZeros(version.substr(0, plus));
}

std::string join(const std::vector<std::string>& parts, std::size_t limit) {
  std::string out;
  for (std::size_t i = 0; i < parts.size() && i < limit; ++i) out += (i ? ", " : "") + parts[i];
  if (parts.size() > limit) out += ", and " + std::to_string(parts.size() - limit) + " more";
  return out;
}

}  // namespace

std::string Environment::packagesSha256() const {
  Sha256 hash;
  for (const auto& [name, version] : packages) hash.update(name + "==" + version + "\n");
  return hash.hex();
}

nlohmann::json toJson(const Environment& environment) {
  return {{"python", environment.python},
          {"packages", environment.packages},
          {"packagesSha256", environment.packagesSha256()},
          {"platform", environment.platform}};
}

Expected<Environment> environmentFromJson(const nlohmann::json& json, const std::string& where) {
  Environment out;
  try {
    out.python = json.value("python", "");
    out.platform = json.value("platform", "");
    if (const auto it = json.find("packages"); it != json.end() && !it->is_null()) {
      for (const auto& [name, version] : it->items())
        out.packages[normalizePackage(name)] = version.get<std::string>();
    }
  } catch (const nlohmann::json::exception& error) {
    return fail(
        ErrorCode::InvalidArgument,
        where + ": must be {\"python\": \"3.11.2\", \"packages\": {\"numpy\": \"1.26.4\"}}");
  }
  return out;
}

std::string normalizePackage(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '-' || c == '_' || c == '.') {
      if (out.empty() || out.back() != '-') out += '-';
    } else {
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return out;
}

std::string currentPlatform() {
  utsname name{};
  if (::uname(&name) != 0) return "linux/unknown";
  const std::string machine = name.machine;
  return "linux/" + (machine == "x86_64" ? "amd64" : machine == "aarch64" ? "arm64" : machine);
}

Expected<std::vector<PackagePin>> parsePackagePins(std::string_view text, const std::string& file) {
  std::vector<PackagePin> pins;
  bool continued =
      false;  // the line before ended with a backslash: this one holds its --hash options
  for (int number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    const bool part = std::exchange(continued, line.ends_with('\\'));
    if (continued) line = trim(line.substr(0, line.size() - 1));
    if (part || line.empty() || line[0] == '#' || line[0] == '-') continue;
    const std::string whole(line);
    if (const auto comment = line.find(" #"); comment != line.npos)
      line = trim(line.substr(0, comment));
    if (const auto option = line.find(" --"); option != line.npos)
      line = trim(line.substr(0, option));
    const auto marker = line.find(';');
    const bool conditional = marker != line.npos;
    if (conditional) line = trim(line.substr(0, marker));
    const auto equals = line.find("==");
    std::string_view name = equals == line.npos ? "" : trim(line.substr(0, equals));
    std::string_view version = equals == line.npos ? "" : trim(line.substr(equals + 2));
    if (const auto extras = name.find('['); extras != name.npos)
      name = trim(name.substr(0, extras));
    if (name.empty() || version.empty() || name.find_first_of("<>=!~@ ") != name.npos ||
        version.find_first_of("<>=!~, ") != version.npos) {
      return fail(ErrorCode::InvalidArgument, file + ", line " + std::to_string(number) + ": '" +
                                                  whole +
                                                  "' does not pin a version; write name==version");
    }
    pins.push_back({normalizePackage(name), std::string(version), conditional});
  }
  return pins;
}

std::string pinMismatch(const Environment& environment, const std::string& python,
                        const std::vector<PackagePin>& packages) {
  std::string out;
  if (!python.empty() && !covers(python, environment.python)) {
    out = environment.python.empty()
              ? "the image has no python that answers, spec.environment.python asks for " + python
              : "python is " + environment.python + ", spec.environment.python asks for " + python;
  }
  std::vector<std::string> wrong;
  for (const PackagePin& pin : packages) {
    const auto it = environment.packages.find(pin.name);
    if (it == environment.packages.end()) {
      if (!pin.conditional) wrong.push_back(pin.name + " is missing (asked: " + pin.version + ")");
    } else if (!satisfies(pin, it->second)) {
      wrong.push_back(pin.name + " is " + it->second + " (asked: " + pin.version + ")");
    }
  }
  if (!wrong.empty()) {
    out += (out.empty() ? "" : "; ") + std::string("spec.environment.packages does not hold: ") +
           join(wrong, 12);
  }
  if (!out.empty())
    out += "; name an image that has them in spec.environment.image, or change the pin";
  return out;
}

std::vector<std::string> changesBetween(const Environment& before, const Environment& after,
                                        std::size_t limit) {
  const auto named = [](const std::string& value) {
    return value.empty() ? std::string("none") : value;
  };
  std::vector<std::string> out;
  const auto compare = [&](const std::string& name, const std::string& from,
                           const std::string& to) {
    if (from != to) out.push_back(name + " " + named(from) + " → " + named(to));
  };
  compare("python", before.python, after.python);
  if (!before.platform.empty() && !after.platform.empty())
    compare("platform", before.platform, after.platform);
  std::map<std::string, std::pair<std::string, std::string>> both;
  for (const auto& [name, version] : before.packages) both[name].first = version;
  for (const auto& [name, version] : after.packages) both[name].second = version;
  for (const auto& [name, versions] : both) compare(name, versions.first, versions.second);
  if (out.size() > limit) {
    const std::size_t more = out.size() - limit;
    out.resize(limit);
    out.push_back("and " + std::to_string(more) + " more");
  }
  return out;
}

}  // namespace reprise::agent
