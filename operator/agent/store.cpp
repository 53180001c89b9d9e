#include "agent/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "agent/files.h"
#include "base/digest.h"

namespace reprise::agent {
namespace {

constexpr const char* kPartial = ".partial-";
constexpr auto kAbandoned = std::chrono::hours(24);

// A Pod that was killed leaves its half; nobody else would ever take it away.
void removeAbandoned(const fs::path& folder) {
  std::error_code ec;
  for (const auto& file : fs::directory_iterator(folder, ec)) {
    if (!file.path().filename().string().starts_with(kPartial)) continue;
    std::error_code each;
    const auto written = fs::last_write_time(file.path(), each);
    if (!each && fs::file_time_type::clock::now() - written > kAbandoned)
      fs::remove(file.path(), each);
  }
}

bool hasHash(const fs::path& path, const std::string& sha256) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return false;
  Sha256 hash;
  std::string buffer(std::size_t{256} << 10, '\0');
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (n == 0) return hash.hex() == sha256;
    hash.update(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
  }
}

Expected<Packed> writePartial(const fs::path& model, const fs::path& examples,
                              const fs::path& partial) {
  const Fd fd(::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd) {
    return fail(ErrorCode::Forbidden,
                "cannot create " + partial.string() + ": " + errnoText(errno) +
                    "; the volume of spec.artifact.store must be writable for the Pod's group");
  }
  auto packed = packModel(model, examples, fd.get(), partial);
  if (!packed) return packed;
  ::fchmod(fd.get(), 0444);  // it never changes again
  if (::fsync(fd.get()) != 0) {
    return fail(ErrorCode::Internal, "cannot sync " + partial.string() + ": " + errnoText(errno));
  }
  return packed;
}

}  // namespace

fs::path storedPath(const fs::path& store, const std::string& sha256) {
  return store / "sha256" / sha256;
}

bool isSha256(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Expected<Packed> storeModel(const fs::path& model, const fs::path& examples, const fs::path& store,
                            const std::string& writer) {
  const fs::path folder = store / "sha256";
  if (auto made = makeDirectories(folder); !made) return tl::unexpected(made.error());
  removeAbandoned(folder);
  const fs::path partial = folder / (kPartial + writer);
  std::error_code ignored;
  fs::remove(partial, ignored);  // of an earlier try of the same Pod
  auto packed = writePartial(model, examples, partial);
  if (!packed) {
    fs::remove(partial, ignored);
    return packed;
  }
  const fs::path target = storedPath(store, packed->sha256);
  if (hasHash(target, packed->sha256)) {
    fs::remove(partial, ignored);
  } else if (::rename(partial.c_str(), target.c_str()) != 0) {
    const int error = errno;
    fs::remove(partial, ignored);
    return fail(ErrorCode::Internal,
                "cannot rename to " + target.string() + ": " + errnoText(error));
  }
  // Also where the file was there: whoever wrote it may not have got as far as this.
  for (const fs::path& each : {folder, store}) {
    if (auto synced = syncDirectory(each); !synced) return tl::unexpected(synced.error());
  }
  return packed;
}

}  // namespace reprise::agent
