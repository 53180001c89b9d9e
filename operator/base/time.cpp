#include "base/time.h"

#include <charconv>
#include <cmath>
#include <cstdio>

namespace reprise {
namespace {

using namespace std::chrono;

bool digitsAt(std::string_view text, std::size_t pos, std::size_t count, int& out) {
  if (pos + count > text.size()) return false;
  out = 0;
  for (std::size_t i = pos; i < pos + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    out = out * 10 + (text[i] - '0');
  }
  return true;
}

tl::unexpected<Error> badTime(std::string_view text) {
  return fail(ErrorCode::InvalidArgument,
              "'" + std::string(text) + "' is not a time; write it like 2026-01-02T03:04:05Z");
}

// The offset behind the seconds: "Z" or "+hh:mm".
bool parseOffset(std::string_view text, minutes& offset) {
  if (text == "Z" || text == "z") {
    offset = minutes{0};
    return true;
  }
  int h = 0, m = 0;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':' ||
      !digitsAt(text, 1, 2, h) || !digitsAt(text, 4, 2, m) || h > 23 || m > 59) {
    return false;
  }
  offset = minutes{h * 60 + m} * (text[0] == '-' ? -1 : 1);
  return true;
}

}  // namespace

std::string formatTime(Time time, int digits) {
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const auto rest = time - day;
  const auto h = duration_cast<hours>(rest);
  const auto m = duration_cast<minutes>(rest - h);
  const auto s = duration_cast<seconds>(rest - h - m);
  const auto ms = rest - h - m - s;
  char out[48];
  int n = std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02d", int(date.year()),
                        unsigned(date.month()), unsigned(date.day()), int(h.count()),
                        int(m.count()), int(s.count()));
  if (digits == 3) n += std::snprintf(out + n, sizeof out - n, ".%03d", int(ms.count()));
  if (digits == 6) n += std::snprintf(out + n, sizeof out - n, ".%06d", int(ms.count()) * 1000);
  out[n++] = 'Z';
  return std::string(out, n);
}

Expected<Time> parseTime(std::string_view text) {
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
  if (text.size() < 20 || !digitsAt(text, 0, 4, y) || text[4] != '-' || !digitsAt(text, 5, 2, mo) ||
      text[7] != '-' || !digitsAt(text, 8, 2, d) || (text[10] != 'T' && text[10] != 't') ||
      !digitsAt(text, 11, 2, h) || text[13] != ':' || !digitsAt(text, 14, 2, mi) ||
      text[16] != ':' || !digitsAt(text, 17, 2, s) || h > 23 || mi > 59 || s > 60) {
    return badTime(text);
  }
  std::size_t pos = 19;
  Milliseconds fraction{0};
  if (text[pos] == '.') {
    int scale = 100;
    for (++pos; pos < text.size() && text[pos] >= '0' && text[pos] <= '9'; ++pos, scale /= 10) {
      fraction += Milliseconds{(text[pos] - '0') * scale};
    }
  }
  minutes offset{0};
  const year_month_day date{year{y}, month{unsigned(mo)}, day{unsigned(d)}};
  if (!date.ok() || !parseOffset(text.substr(pos), offset)) return badTime(text);
  return Time{sys_days{date}.time_since_epoch() + hours{h} + minutes{mi} + seconds{s} + fraction -
              offset};
}

Expected<Milliseconds> parseDuration(std::string_view text) {
  const auto bad = [&] {
    return fail(ErrorCode::InvalidArgument,
                "'" + std::string(text) + "' is not a duration; write it like 90s, 15m or 1h30m");
  };
  std::string_view rest = text;
  double total = 0;  // ms; exact for the whole numbers that people write
  if (rest.empty()) return bad();
  if (rest == "0") return Milliseconds{0};
  while (!rest.empty()) {
    double value = 0;
    const auto [end, ec] =
        std::from_chars(rest.data(), rest.data() + rest.size(), value, std::chars_format::fixed);
    if (ec != std::errc{} || value < 0) return bad();
    rest.remove_prefix(end - rest.data());
    struct Unit {
      std::string_view name;
      double ms;
    };
    static constexpr Unit units[] = {{"ms", 1},  {"us", 1e-3}, {"ns", 1e-6},
                                     {"s", 1e3}, {"m", 6e4},   {"h", 3.6e6}};
    const Unit* found = nullptr;
    for (const Unit& unit : units) {
      if (rest.starts_with(unit.name)) {
        found = &unit;
        break;
      }
    }
    if (!found) return bad();
    total += value * found->ms;
    rest.remove_prefix(found->name.size());
  }
  if (!(total <= 9e15)) return bad();
  return Milliseconds{static_cast<std::int64_t>(std::llround(total))};
}

std::string formatDuration(Milliseconds duration) {
  const auto ms = duration.count();
  if (ms == 0) return "0s";
  if (ms < 0) return "-" + formatDuration(-duration);
  std::string out;
  const auto unit = [&](std::int64_t value, const char* name) {
    if (value) out += std::to_string(value) + name;
  };
  unit(ms / 3'600'000, "h");
  unit(ms / 60'000 % 60, "m");
  unit(ms / 1000 % 60, "s");
  unit(ms % 1000, "ms");
  return out;
}

Time SystemClock::now() const { return floor<Milliseconds>(system_clock::now()); }
SteadyTime SystemClock::steady() const {
  return SteadyTime{steady_clock::now().time_since_epoch()};
}

}  // namespace reprise
