// For the static program only. The tar writer of libarchive refers to one function of an object
// that refers to every format it can write; of those, xar needs libxml2, which needs ICU and its 30
// MB of data. With the function here that object is left out. It is called for kinds of files that
// an artifact never has.
#include <archive.h>

struct archive_entry;

// NOLINTNEXTLINE(bugprone-reserved-identifier): the name is libarchive's
extern "C" void __archive_write_entry_filetype_unsupported(archive* tar, archive_entry*,
                                                           const char* format) {
  archive_set_error(tar, -1, "%s archives cannot hold this kind of file", format);
}
