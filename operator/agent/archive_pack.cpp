#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <memory>

#include "agent/archive.h"
#include "agent/archive_path.h"
#include "agent/files.h"
#include "base/digest.h"

namespace reprise::agent {
namespace {

tl::unexpected<Error> malformed(std::string message) {
  return fail(ErrorCode::InvalidArgument, std::move(message));
}

Expected<void> checkLink(const fs::path& model, const fs::path& name) {
  std::error_code ec;
  const fs::path link = fs::read_symlink(model / name, ec);
  if (ec)
    return fail(ErrorCode::Internal,
                "cannot read the link " + (model / name).string() + ": " + ec.message());
  if (linkStaysInside(name, link) && resolvesInside(model, name)) return {};
  return malformed("model/" + name.string() + " is a symlink to '" + link.string() +
                   "', which is outside of model/; copy the file into model/");
}

// Every file, directory and link by its path below `model`, in the order of their bytes.
Expected<std::map<std::string, fs::file_type>> listModel(const fs::path& model) {
  std::map<std::string, fs::file_type> out;
  std::error_code ec;
  fs::recursive_directory_iterator it(model, ec);
  for (; !ec && it != fs::recursive_directory_iterator(); it.increment(ec)) {
    const fs::path name = it->path().lexically_relative(model);
    const fs::file_type type = it->symlink_status(ec).type();
    if (ec) break;
    if (*name.begin() == ".reprise") {
      return malformed(
          "model/.reprise: the name is taken for what is recorded with the model; choose another "
          "one");
    }
    if (type == fs::file_type::symlink) {
      if (auto good = checkLink(model, name); !good) return tl::unexpected(good.error());
    } else if (type != fs::file_type::regular && type != fs::file_type::directory) {
      return malformed("model/" + name.string() +
                       " is neither file, directory nor symlink; remove it");
    }
    out.emplace(name.string(), type);
  }
  if (ec) {
    const ErrorCode code =
        ec == std::errc::no_such_file_or_directory ? ErrorCode::NotFound : ErrorCode::Internal;
    return fail(code, "cannot list " + model.string() + ": " + ec.message());
  }
  return out;
}

// Hashes and writes what libarchive hands out.
struct Sink {
  int fd;
  const fs::path& named;
  Sha256 hash;
  Packed packed;
  std::optional<Error> error;
};

la_ssize_t writeToSink(archive* tar, void* data, const void* bytes, std::size_t size) {
  auto& sink = *static_cast<Sink*>(data);
  const std::string_view text(static_cast<const char*>(bytes), size);
  if (auto written = writeAll(sink.fd, text, sink.named); !written) {
    sink.error = written.error();
    archive_set_error(tar, EIO, "%s", written.error().message.c_str());
    return -1;
  }
  sink.hash.update(text);
  sink.packed.bytes += static_cast<std::int64_t>(size);
  return static_cast<la_ssize_t>(size);
}

using Entry = std::unique_ptr<archive_entry, decltype(&archive_entry_free)>;

Entry entryOf(const std::string& name, unsigned type, unsigned mode) {
  Entry entry(archive_entry_new(), archive_entry_free);
  archive_entry_copy_pathname(entry.get(), name.c_str());
  archive_entry_set_filetype(entry.get(), type);
  archive_entry_set_perm(entry.get(), mode);
  archive_entry_set_mtime(entry.get(), 0, 0);
  archive_entry_set_uid(entry.get(), 0);
  archive_entry_set_gid(entry.get(), 0);
  archive_entry_set_size(entry.get(), 0);
  return entry;
}

class Packer {
 public:
  Packer(int fd, const fs::path& named)
      : sink_{fd, named, {}, {}, {}}, tar_(archive_write_new(), archive_write_free) {
    archive_write_set_format_pax_restricted(tar_.get());
    // Names are bytes, whatever the locale: nothing is converted.
    archive_write_set_options(tar_.get(), "hdrcharset=BINARY");
    archive_write_set_bytes_in_last_block(tar_.get(), 1);
    archive_write_open(tar_.get(), &sink_, nullptr, writeToSink, nullptr);
  }

  Expected<void> directory(const std::string& name) {
    return header(entryOf(name, AE_IFDIR, 0755), name);
  }

  Expected<void> link(const std::string& name, const std::string& target) {
    Entry entry = entryOf(name, AE_IFLNK, 0777);
    archive_entry_copy_symlink(entry.get(), target.c_str());
    return header(std::move(entry), name);
  }

  Expected<void> file(const std::string& name, const fs::path& source) {
    const Fd fd(::open(source.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    struct stat info{};
    if (!fd || ::fstat(fd.get(), &info) != 0) {
      return fail(ErrorCode::Forbidden, "cannot read " + source.string() + ": " + errnoText(errno));
    }
    Entry entry = entryOf(name, AE_IFREG, info.st_mode & 0111 ? 0755 : 0644);
    archive_entry_set_size(entry.get(), info.st_size);
    if (auto begun = header(std::move(entry), name); !begun) return begun;
    std::int64_t left = info.st_size;
    std::string buffer(std::size_t{256} << 10, '\0');
    for (;;) {
      const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0)
        return fail(ErrorCode::Internal,
                    "cannot read " + source.string() + ": " + errnoText(errno));
      if (n == 0) break;
      left -= n;
      if (left < 0) break;
      if (archive_write_data(tar_.get(), buffer.data(), static_cast<std::size_t>(n)) < 0)
        return broken(name);
    }
    if (left != 0) {
      return malformed(source.string() +
                       " changed while it was packed; the steps must have ended by then");
    }
    return {};
  }

  Expected<Packed> finish() {
    if (archive_write_close(tar_.get()) != ARCHIVE_OK)
      return tl::unexpected(broken("its end").error());
    sink_.packed.sha256 = sink_.hash.hex();
    return sink_.packed;
  }

 private:
  Expected<void> header(Entry entry, const std::string& name) {
    if (archive_write_header(tar_.get(), entry.get()) < ARCHIVE_WARN) return broken(name);
    return {};
  }

  Expected<void> broken(const std::string& name) {
    if (sink_.error) return tl::unexpected(*sink_.error);
    const char* why = archive_error_string(tar_.get());
    return fail(ErrorCode::Internal, "cannot pack " + name + ": " + (why ? why : "unknown"));
  }

  Sink sink_;
  std::unique_ptr<archive, decltype(&archive_write_free)> tar_;
};

}  // namespace

Expected<Packed> packModel(const fs::path& model, const fs::path& examples, int fd,
                           const fs::path& named) {
  auto names = listModel(model);
  if (!names) return tl::unexpected(names.error());
  bool empty = true;
  for (const auto& [name, type] : *names) empty = empty && type == fs::file_type::directory;
  if (empty) return fail(ErrorCode::NotFound, model.string() + " has no files");
  Packer packer(fd, named);
  if (!examples.empty()) {
    auto written = packer.directory(".reprise");
    if (written) written = packer.file(kArchivedExamples, examples);
    if (!written) return tl::unexpected(written.error());
  }
  for (const auto& [name, type] : *names) {
    const auto written = type == fs::file_type::directory ? packer.directory(name)
                         : type == fs::file_type::symlink
                             ? packer.link(name, fs::read_symlink(model / name).string())
                             : packer.file(name, model / name);
    if (!written) return tl::unexpected(written.error());
  }
  return packer.finish();
}

}  // namespace reprise::agent
