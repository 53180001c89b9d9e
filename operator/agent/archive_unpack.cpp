#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "agent/archive.h"
#include "agent/archive_path.h"
#include "agent/files.h"
#include "base/digest.h"

namespace reprise::agent {
namespace {

constexpr std::size_t kBlock = std::size_t{256} << 10;

// Hashes what it hands to libarchive.
struct Source {
  int fd;
  const fs::path& named;
  Sha256 hash;
  std::string buffer = std::string(kBlock, '\0');
  std::optional<Error> error;

  // 0 at the end, below it after an error.
  ssize_t next() {
    ssize_t n = 0;
    do n = ::read(fd, buffer.data(), buffer.size());
    while (n < 0 && errno == EINTR);
    if (n < 0)
      error = Error{ErrorCode::Internal, "cannot read " + named.string() + ": " + errnoText(errno)};
    if (n > 0) hash.update(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
    return n;
  }
};

la_ssize_t readFromSource(archive* tar, void* data, const void** bytes) {
  auto& source = *static_cast<Source*>(data);
  *bytes = source.buffer.data();
  const ssize_t n = source.next();
  if (n < 0) archive_set_error(tar, EIO, "%s", source.error->message.c_str());
  return n;
}

class Unpacker {
 public:
  Unpacker(int fd, const fs::path& named, const fs::path& to)
      : source_{.fd = fd, .named = named}, to_(to), tar_(archive_read_new(), archive_read_free) {
    archive_read_support_format_tar(tar_.get());
  }

  Expected<Unpacked> run() {
    auto done = unpack();
    if (source_.error) return tl::unexpected(*source_.error);
    Unpacked out;
    if (!done) {
      if (done.error().code != ErrorCode::InvalidArgument) return tl::unexpected(done.error());
      out.malformed = done.error().message;
    }
    // The hash is of the whole file, also of what stands behind the archive's end.
    while (source_.next() > 0) {
    }
    if (source_.error) return tl::unexpected(*source_.error);
    out.sha256 = source_.hash.hex();
    return out;
  }

 private:
  static tl::unexpected<Error> malformed(std::string message) {
    return fail(ErrorCode::InvalidArgument, std::move(message));
  }

  Expected<void> broken() {
    const char* why = archive_error_string(tar_.get());
    return malformed(std::string("it is no tar archive: ") + (why ? why : "unknown"));
  }

  Expected<void> unpack() {
    if (archive_read_open(tar_.get(), &source_, nullptr, readFromSource, nullptr) != ARCHIVE_OK)
      return broken();
    for (;;) {
      archive_entry* entry = nullptr;
      const int status = archive_read_next_header(tar_.get(), &entry);
      if (status == ARCHIVE_EOF) return links();
      if (status < ARCHIVE_WARN) return broken();
      if (auto done = one(entry); !done) return done;
    }
  }

  Expected<void> one(archive_entry* entry) {
    const char* text = archive_entry_pathname(entry);
    std::string name = text ? text : "";
    while (name.ends_with('/')) name.pop_back();
    if (!goesDown(name)) return malformed("its path '" + name + "' leaves the directory");
    if (archive_entry_hardlink(entry))
      return malformed("'" + name + "' is a hard link, which it may not have");
    const fs::path target = to_ / name;
    // No link is made before the last file is: nothing is written through one.
    if (auto made = makeDirectories(target.parent_path()); !made)
      return notADirectory(name, made.error());
    switch (archive_entry_filetype(entry)) {
      case AE_IFREG: return file(entry, name, target);
      case AE_IFDIR:
        if (auto made = makeDirectories(target); !made) return notADirectory(name, made.error());
        return {};
      case AE_IFLNK: {
        const char* link = archive_entry_symlink(entry);
        if (!link || !linkStaysInside(name, link))
          return malformed("its symlink '" + name + "' leaves the directory");
        links_.emplace_back(name, link);
        return {};
      }
      default: return malformed("'" + name + "' is neither file, directory nor symlink");
    }
  }

  // A file where a directory must be is the archive's fault, all else the volume's.
  static Expected<void> notADirectory(const std::string& name, const Error& error) {
    if (error.message.find(errnoText(ENOTDIR)) == std::string::npos &&
        error.message.find(errnoText(EEXIST)) == std::string::npos) {
      return tl::unexpected(error);
    }
    return malformed("it has '" + name + "' twice, as a file and as a directory");
  }

  Expected<void> file(archive_entry* entry, const std::string& name, const fs::path& target) {
    const Fd fd(::open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd && errno == EEXIST) return malformed("it has '" + name + "' twice");
    if (!fd)
      return fail(ErrorCode::Internal,
                  "cannot create " + target.string() + ": " + errnoText(errno));
    std::string buffer(kBlock, '\0');
    for (;;) {
      const la_ssize_t n = archive_read_data(tar_.get(), buffer.data(), buffer.size());
      if (n < 0) return broken();
      if (n == 0) break;
      const std::string_view bytes(buffer.data(), static_cast<std::size_t>(n));
      if (auto written = writeAll(fd.get(), bytes, target); !written) return written;
    }
    // Readable for the model server, which may run as another user.
    ::fchmod(fd.get(), archive_entry_perm(entry) & 0111 ? 0755 : 0644);
    return {};
  }

  Expected<void> links() {
    for (const auto& [name, link] : links_) {
      if (::symlink(link.c_str(), (to_ / name).c_str()) == 0) continue;
      if (errno == EEXIST || errno == ENOTDIR) return malformed("it has '" + name + "' twice");
      return fail(ErrorCode::Internal,
                  "cannot create the link " + (to_ / name).string() + ": " + errnoText(errno));
    }
    // Through one another they may lead out, though none does by its text.
    for (const auto& [name, link] : links_) {
      if (!resolvesInside(to_, name))
        return malformed("its symlink '" + name + "' leaves the directory");
    }
    return {};
  }

  Source source_;
  const fs::path& to_;
  std::unique_ptr<archive, decltype(&archive_read_free)> tar_;
  std::vector<std::pair<std::string, std::string>> links_;
};

}  // namespace

Expected<Unpacked> unpackModel(int fd, const fs::path& named, const fs::path& to) {
  return Unpacker(fd, named, to).run();
}

}  // namespace reprise::agent
