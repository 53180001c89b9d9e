#include "drift/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "drift/json_field.h"
#include "drift/names.h"

namespace reprise::drift {
namespace {

using nlohmann::json;

struct Field {
  std::string text;
  bool quoted = false;
};

// Reads bytes from the stream's buffer: formatted input would be slow, and bad() is seen at the
// end.
class Records {
 public:
  Records(std::istream& in, std::size_t maxBytes) : in_(*in.rdbuf()), maxBytes_(maxBytes) {}

  std::int64_t line() const { return start_; }

  // Empty: the end. Lines with nothing in them are skipped.
  Expected<std::vector<Field>> next() {
    while (true) {
      std::vector<Field> fields;
      start_ = line_;
      bytes_ = 0;
      bool more = true;
      while (more) {
        auto field = readField(more);
        if (!field) return tl::unexpected(field.error());
        fields.push_back(std::move(*field));
      }
      if (fields.size() > 1 || fields[0].quoted || !fields[0].text.empty()) return fields;
      if (peek() == kEnd) return std::vector<Field>{};
    }
  }

 private:
  static constexpr int kEnd = std::char_traits<char>::eof();

  int peek() { return in_.sgetc(); }
  int take() {
    ++bytes_;
    return in_.sbumpc();
  }
  tl::unexpected<Error> wrong(const std::string& what) const {
    return invalid("line " + std::to_string(line_) + ": " + what);
  }

  Expected<Field> readField(bool& more) {
    Field field;
    field.quoted = peek() == '"';
    if (field.quoted) {
      if (auto good = readQuoted(field.text); !good) return tl::unexpected(good.error());
    }
    while (true) {
      const int c = take();
      if (bytes_ > maxBytes_)
        return wrong("is longer than " + std::to_string(maxBytes_) + " bytes");
      if (c == ',') return field;
      if (c == kEnd || c == '\n') {
        more = false;
        if (c == '\n') ++line_;
        return field;
      }
      if (c == '\r' && (peek() == '\n' || peek() == kEnd)) continue;
      if (field.quoted)
        return wrong("a quoted field must end at a comma; write \"\" for a quote inside it");
      field.text += static_cast<char>(c);
    }
  }

  Expected<void> readQuoted(std::string& text) {
    const auto opened = line_;
    take();
    while (true) {
      const int c = take();
      if (c == kEnd)
        return invalid("line " + std::to_string(opened) + ": a quoted field is not closed");
      if (bytes_ > maxBytes_)
        return wrong("a row is longer than " + std::to_string(maxBytes_) +
                     " bytes; is a quote not closed?");
      if (c == '\n') ++line_;
      if (c != '"') {
        text += static_cast<char>(c);
      } else if (peek() == '"') {
        text += static_cast<char>(take());
      } else {
        return {};
      }
    }
  }

  std::streambuf& in_;
  std::size_t maxBytes_;
  std::size_t bytes_ = 0;
  std::int64_t line_ = 1, start_ = 1;
};

Cell cellOf(Field& field) {
  if (field.quoted) return std::move(field.text);
  const std::string& text = field.text;
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return {};
  const char* begin = text.data() + first;
  const char* end = text.data() + text.find_last_not_of(" \t") + 1;
  if (*begin == '+' && end - begin > 1 && begin[1] != '-') ++begin;  // from_chars knows no plus
  double number = 0;
  const auto [stop, error] = std::from_chars(begin, end, number);
  if (stop == end && error == std::errc()) return number;
  if (stop == end && error == std::errc::result_out_of_range) {
    const bool tiny = text.find("e-") != std::string::npos || text.find("E-") != std::string::npos;
    if (tiny) return 0.0;
    return *begin == '-' ? -std::numeric_limits<double>::infinity()
                         : std::numeric_limits<double>::infinity();
  }
  return std::move(field.text);
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "'" : ", '") + name + "'";
  return out;
}

// The header's fields, and which of them are inputs.
struct Header {
  std::vector<std::string> all, names;
  std::vector<std::size_t> columns;
};

Expected<Header> headerOf(std::vector<Field>& fields, const TableOptions& options) {
  Header out;
  if (fields[0].text.starts_with("\xEF\xBB\xBF")) fields[0].text.erase(0, 3);
  std::set<std::string> seen;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string& name = fields[i].text;
    const std::string where = "line 1, column " + std::to_string(i + 1) + ": ";
    if (name.empty()) return invalid(where + "has no name; the first line must name the columns");
    if (!seen.insert(name).second) return invalid(where + "'" + name + "' is there twice");
    out.all.push_back(name);
    if (contains(options.ignore, name)) continue;
    out.names.push_back(name);
    out.columns.push_back(i);
  }
  for (const auto& name : options.ignore) {
    if (!seen.contains(name))
      return invalid("ignore: there is no column '" + name + "'; there are " + joined(out.all));
  }
  if (out.names.empty()) return invalid("line 1: no column is left to profile");
  return out;
}

Expected<Cell> cellFromJson(const json& value, const std::string& where) {
  if (value.is_null()) return Cell{};
  if (value.is_boolean()) return Cell{value.get<bool>() ? 1.0 : 0.0};
  if (value.is_number()) return Cell{value.get<double>()};
  if (value.is_string()) return Cell{value.get<std::string>()};
  return invalid(
      where + ": must be a number, a string, true, false or null; nested values are no features");
}

// '\n' ended the line, or the stream's end did; false: there is none. Never longer than `maxBytes`.
Expected<bool> readLine(std::streambuf& in, std::string& line, std::size_t maxBytes,
                        std::int64_t number) {
  line.clear();
  constexpr int kEnd = std::char_traits<char>::eof();
  for (int c = in.sbumpc(); c != '\n'; c = in.sbumpc()) {
    if (c == kEnd) return !line.empty();
    if (line.size() >= maxBytes) {
      return invalid("line " + std::to_string(number) + ": is longer than " +
                     std::to_string(maxBytes) + " bytes");
    }
    line += static_cast<char>(c);
  }
  return true;
}

// Rows by the columns of one header, into a profile; holds back a sample where the basis has to be
// fitted first.
class Builder {
 public:
  Builder(const BuildOptions& options, const Basis* basis) : options_(options), given_(basis) {}

  Expected<void> header(const std::vector<std::string>& names) {
    names_ = names;
    if (!given_) return {};
    std::vector<std::string> gone, added;
    for (const auto& feature : given_->features()) {
      if (!contains(names, feature.name)) gone.push_back(feature.name);
    }
    for (const auto& name : names) {
      if (given_->indexOf(name) < 0) added.push_back(name);
    }
    if (gone.empty() && added.empty()) {
      for (const auto& name : names)
        place_.push_back(static_cast<std::size_t>(given_->indexOf(name)));
      use(*given_);
      return {};
    }
    changed_ = "the columns are not those of the earlier versions:";
    if (!gone.empty()) changed_ += " without " + joined(gone);
    if (!added.empty()) changed_ += (gone.empty() ? " with " : " and with ") + joined(added);
    return {};
  }

  Expected<void> row(const Row& row) {
    if (basis_ && !place_.empty()) {
      Row ordered(row.size());
      for (std::size_t i = 0; i < row.size(); ++i) ordered[place_[i]] = row[i];
      return profile_.add(*basis_, ordered);
    }
    if (basis_) return profile_.add(*basis_, row);
    sample_.push_back(row);
    for (const auto& cell : row) {
      sampleBytes_ += sizeof(Cell);
      if (const auto* text = std::get_if<std::string>(&cell)) sampleBytes_ += text->size();
    }
    const bool enough = sample_.size() >= std::max<std::size_t>(2, options_.sampleRows) ||
                        sampleBytes_ >= kMaxSampleBytes;
    return enough && sample_.size() >= 2 ? fitFromSample() : Expected<void>{};
  }

  Expected<BuiltProfile> finish() {
    if (!basis_ && sample_.size() < 2) {
      return invalid("the file has " + std::to_string(sample_.size()) +
                     " rows; a profile needs at least 2");
    }
    if (!basis_) {
      if (auto good = fitFromSample(); !good) return tl::unexpected(good.error());
    }
    if (profile_.rows() == 0) return invalid("the file has no rows");
    return BuiltProfile{ProfileDocument{*basis_, std::move(profile_)}, changed_};
  }

 private:
  static constexpr std::size_t kMaxSampleBytes = std::size_t{64} << 20;

  void use(Basis basis) {
    basis_ = std::move(basis);
    profile_ = Profile(*basis_);
  }

  Expected<void> fitFromSample() {
    auto basis = Basis::fit(names_, sample_, options_.fit);
    if (!basis) return tl::unexpected(basis.error());
    use(std::move(*basis));
    for (const auto& row : sample_) {
      if (auto good = profile_.add(*basis_, row); !good) return good;
    }
    std::vector<Row>().swap(sample_);
    return {};
  }

  const BuildOptions& options_;
  const Basis* given_;
  std::vector<std::string> names_;
  std::vector<std::size_t> place_;
  std::vector<Row> sample_;
  std::size_t sampleBytes_ = 0;
  std::optional<Basis> basis_;
  Profile profile_;
  std::string changed_;
};

}  // namespace

Expected<void> readCsv(std::istream& in, const TableOptions& options, const TableReader& reader) {
  Records records(in, options.maxLineBytes);
  auto first = records.next();
  if (!first) return tl::unexpected(first.error());
  if (first->empty())
    return invalid("line 1: the file is empty; the first line must name the columns");
  const auto header = headerOf(*first, options);
  if (!header) return tl::unexpected(header.error());
  if (auto good = reader.onHeader(header->names); !good) return good;
  while (true) {
    auto fields = records.next();
    if (!fields) return tl::unexpected(fields.error());
    if (fields->empty()) break;
    const std::string where = "line " + std::to_string(records.line()) + ": ";
    if (fields->size() != header->all.size()) {
      return invalid(where + "has " + std::to_string(fields->size()) + " fields, the header " +
                     std::to_string(header->all.size()) +
                     (fields->size() < header->all.size()
                          ? "; the first without a value is '" + header->all[fields->size()] + "'"
                          : ""));
    }
    Row row;
    row.reserve(header->columns.size());
    for (const auto column : header->columns) row.push_back(cellOf((*fields)[column]));
    if (auto good = reader.onRow(row); !good) return invalid(where + good.error().message);
  }
  if (in.bad()) return fail(ErrorCode::Unavailable, "the file could not be read to its end");
  return {};
}

Expected<void> readJsonLines(std::istream& in, const TableOptions& options,
                             const TableReader& reader) {
  std::vector<std::string> names;
  std::string line;
  for (std::int64_t number = 1;; ++number) {
    const auto there = readLine(*in.rdbuf(), line, options.maxLineBytes, number);
    if (!there) return tl::unexpected(there.error());
    if (!*there) break;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string where = "line " + std::to_string(number) + ": ";
    const json value = json::parse(line, nullptr, false);
    if (!value.is_object()) return invalid(where + "is not a JSON object");
    const bool first = names.empty();
    for (const auto& [name, ignored] : value.items()) {
      if (contains(options.ignore, name)) continue;
      if (first) {
        names.push_back(name);
      } else if (!std::binary_search(names.begin(), names.end(), name)) {
        return invalid(where + "'" + name + "' is not in the first object");
      }
    }
    if (names.empty()) return invalid(where + "no column is left to profile");
    if (first) {
      if (auto good = reader.onHeader(names); !good) return good;
    }
    Row row;
    row.reserve(names.size());
    for (const auto& name : names) {
      const auto it = value.find(name);
      auto cell =
          it == value.end() ? Expected<Cell>{} : cellFromJson(*it, where + "'" + name + "'");
      if (!cell) return tl::unexpected(cell.error());
      row.push_back(std::move(*cell));
    }
    if (auto good = reader.onRow(row); !good) return invalid(where + good.error().message);
  }
  if (names.empty()) return invalid("line 1: the file is empty; each line must be a JSON object");
  return {};
}

Expected<Row> rowFromJson(const Basis& basis, const json& value) {
  const auto& features = basis.features();
  if (!value.is_object() && !value.is_array()) return invalid("row: must be an object or an array");
  if (value.is_array() && value.size() != features.size()) {
    return invalid("row: has " + std::to_string(value.size()) + " values, the model " +
                   std::to_string(features.size()) + " features");
  }
  Row out;
  out.reserve(features.size());
  for (std::size_t i = 0; i < features.size(); ++i) {
    const json* found = nullptr;
    if (value.is_array()) {
      found = &value[i];
    } else if (const auto it = value.find(features[i].name); it != value.end()) {
      found = &*it;
    }
    auto cell = found ? cellFromJson(*found, "row." + features[i].name) : Expected<Cell>{};
    if (!cell) return tl::unexpected(cell.error());
    out.push_back(std::move(*cell));
  }
  return out;
}

Expected<BuiltProfile> buildProfile(std::istream& in, TableFormat format,
                                    const BuildOptions& options, const Basis* basis) {
  Builder builder(options, basis);
  const TableReader reader{[&](const auto& names) { return builder.header(names); },
                           [&](const Row& row) { return builder.row(row); }};
  const auto read = format == TableFormat::Csv ? readCsv(in, options.table, reader)
                                               : readJsonLines(in, options.table, reader);
  if (!read) return tl::unexpected(read.error());
  return builder.finish();
}

}  // namespace reprise::drift
