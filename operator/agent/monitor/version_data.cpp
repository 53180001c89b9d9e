#include "agent/monitor/version_data.h"

#include <filesystem>
#include <fstream>

namespace reprise::agent::monitor {
namespace {

constexpr std::size_t kMaxBytes = 4 << 20;

// Discarded where it is no JSON.
Expected<nlohmann::json> readFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return fail(ErrorCode::InvalidArgument,
                "--input: " + path + " cannot be read; it must be a basis, or null");
  std::string text(kMaxBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kMaxBytes)
    return fail(ErrorCode::InvalidArgument, "--input: " + path + " is larger than 4 MiB");
  return nlohmann::json::parse(text, nullptr, false);
}

}  // namespace

Expected<VersionData> readVersionData(const std::string& directory) {
  VersionData out;
  if (directory.empty()) return out;
  const auto wrong = [](const std::string& path, const Error& error) {
    return fail(ErrorCode::InvalidArgument, "--input: " + path + ": " + error.message);
  };
  std::error_code ignored;
  const std::string whole = directory + "/profile.json";
  if (std::filesystem::exists(whole, ignored)) {
    const auto value = readFile(whole);
    if (!value) return tl::unexpected(value.error());
    if (!value->is_null()) {
      auto document = drift::ProfileDocument::fromJson(*value);
      if (!document) return wrong(whole, document.error());
      out.basis = std::move(document->basis);
      out.profile = std::move(document->profile);
      return out;
    }
  }
  const std::string alone = directory + "/basis.json";
  const auto value = readFile(alone);
  if (!value) return tl::unexpected(value.error());
  if (value->is_null()) return out;
  auto basis = drift::Basis::fromJson(*value);
  if (!basis) return wrong(alone, basis.error());
  out.basis = std::move(*basis);
  return out;
}

}  // namespace reprise::agent::monitor
