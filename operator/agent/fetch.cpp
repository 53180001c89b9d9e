#include "agent/fetch.h"

#include <fcntl.h>

#include <cerrno>

#include "agent/archive.h"
#include "agent/files.h"
#include "agent/store.h"

namespace reprise::agent {
namespace {

Ending failed(const Error& error) { return ended("FetchFailed", error.message, 1); }

Ending verdict(const Unpacked& unpacked, const fs::path& source, const std::string& sha256) {
  if (unpacked.sha256 != sha256) {
    return ended(
        "ArtifactCorrupt",
        source.string() + " has sha256 " + unpacked.sha256 + ", published was " + sha256 +
            ": its bytes were changed; restore the file from a backup, or train the version anew",
        1);
  }
  if (!unpacked.malformed.empty()) {
    return ended("ArtifactMalformed",
                 source.string() + ": " + unpacked.malformed + "; publish it with reprise-agent",
                 1);
  }
  return ended("Fetched", "artifact " + sha256 + " is verified and unpacked");
}

// `partial` becomes `to`.
Expected<void> putInPlace(const fs::path& partial, const fs::path& to) {
  std::error_code ec;
  fs::remove_all(to, ec);
  if (!ec) fs::rename(partial, to, ec);
  if (ec)
    return fail(ErrorCode::Internal,
                "cannot rename " + partial.string() + " to " + to.string() + ": " + ec.message());
  return {};
}

}  // namespace

Ending fetch(const FetchOptions& options) {
  if (!isSha256(options.sha256)) {
    return ended(
        "ArtifactMissing",
        "'" + options.sha256 + "' is no sha256; spec.artifact.sha256 must be 64 hex digits", 1);
  }
  const fs::path source = storedPath(options.store, options.sha256);
  const Fd fd(::open(source.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT) {
    return ended("ArtifactMissing",
                 source.string() +
                     " is not in the store; mount the volume that the version was "
                     "published to, restore the file, or delete the version",
                 1);
  }
  if (!fd)
    return ended("FetchFailed", "cannot open " + source.string() + ": " + errnoText(errno), 1);
  fs::path to = options.to.lexically_normal();
  if (!to.has_filename()) to = to.parent_path();
  const fs::path partial = to.string() + ".partial";
  std::error_code ignored;
  fs::remove_all(partial, ignored);  // of a try that was cut off
  if (auto made = makeDirectories(partial); !made) return failed(made.error());
  auto unpacked = unpackModel(fd.get(), source, partial);
  Ending ending = unpacked ? verdict(*unpacked, source, options.sha256) : failed(unpacked.error());
  if (ending.exitCode == 0) {
    if (auto done = putInPlace(partial, to); !done) ending = failed(done.error());
  }
  if (ending.exitCode != 0) fs::remove_all(partial, ignored);
  return ending;
}

}  // namespace reprise::agent
