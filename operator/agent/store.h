// The content-addressed store: <store>/sha256/<hex>, on a volume that runs share.
#pragma once

#include <filesystem>
#include <string>

#include "agent/archive.h"
#include "base/result.h"

namespace reprise::agent {

std::filesystem::path storedPath(const std::filesystem::path& store, const std::string& sha256);

bool isSha256(const std::string& text);  // 64 lower-case hex digits

// Packs (see packModel) into the store. Whoever sees the file sees all of it: it is written under
// another name, synced, and renamed. A file of the same hash is read again: it is kept if its bytes
// are right, else replaced. `writer` names the half-written file, so that two at a time do not
// meet: of [a-zA-Z0-9-.].
Expected<Packed> storeModel(const std::filesystem::path& model,
                            const std::filesystem::path& examples,
                            const std::filesystem::path& store, const std::string& writer);

}  // namespace reprise::agent
