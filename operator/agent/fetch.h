// `fetch`: brings an artifact from the store to where the model server reads it, and refuses other
// bytes.
#pragma once

#include <filesystem>
#include <string>

#include "agent/termination.h"

namespace reprise::agent {

struct FetchOptions {
  std::filesystem::path store;
  std::string sha256;
  std::filesystem::path to;  // appears whole or not at all; what was there is replaced
};

// Reasons: Fetched; ArtifactMissing, ArtifactCorrupt (other bytes than were published),
// ArtifactMalformed (those bytes are no archive of ours): no retry helps; FetchFailed: a volume
// that cannot be read or is full.
Ending fetch(const FetchOptions& options);

}  // namespace reprise::agent
