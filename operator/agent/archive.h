// The artifact: one tar of a model's directory, the same bytes for the same files, on each machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"

namespace reprise::agent {

// Where golden requests are inside of an artifact.
inline constexpr const char* kArchivedExamples = ".reprise/examples.jsonl";

struct Packed {
  std::string sha256;  // of all bytes
  std::int64_t bytes = 0;
};

// Writes what is below `model` and, unless it is "", `examples` as kArchivedExamples to `fd`
// (`named` in messages). Sorted by name, times 0, no owner, modes 0644 or 0755. InvalidArgument: a
// symlink that leaves the directory, a device, or a ".reprise" of the model's own; it names the
// file. NotFound: nothing is in it.
Expected<Packed> packModel(const std::filesystem::path& model,
                           const std::filesystem::path& examples, int fd,
                           const std::filesystem::path& named);

struct Unpacked {
  std::string sha256;     // of all bytes that were read, to the end of the file
  std::string malformed;  // why they are no archive of ours; "" if they are
};

// Unpacks `fd` (`named` in messages) into `to`, which is there and empty. Nothing is written
// outside of it: paths must go down, symlinks must stay inside, and there are no other kinds but
// files and directories. An error is one of reading or writing; what the archive says wrongly is in
// `malformed`.
Expected<Unpacked> unpackModel(int fd, const std::filesystem::path& named,
                               const std::filesystem::path& to);

}  // namespace reprise::agent
