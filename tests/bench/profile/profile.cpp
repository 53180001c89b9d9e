// Rows a second and memory of buildProfile, on a file that is made here: normal numbers, a third of
// the columns categories.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>
#include <string>

#include "drift/csv.h"

namespace {

void make(const std::string& path, long rows, int columns) {
  std::ofstream out(path);
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  for (int c = 0; c < columns; ++c) out << (c ? "," : "") << "f" << c;
  out << "\n";
  char text[32];
  for (long r = 0; r < rows; ++r) {
    for (int c = 0; c < columns; ++c) {
      if (c % 3 == 2)
        std::snprintf(text, sizeof text, "k%d", static_cast<int>(random() % 12));
      else
        std::snprintf(text, sizeof text, "%.6g", normal(random));
      out << (c ? "," : "") << text;
    }
    out << "\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: profile_bench <file to write> [rows, 1000000] [columns, 30]\n";
    return 2;
  }
  const long rows = argc > 2 ? std::atol(argv[2]) : 1'000'000;
  const int columns = argc > 3 ? std::atoi(argv[3]) : 30;
  make(argv[1], rows, columns);
  std::ifstream in(argv[1], std::ios::binary);
  const auto start = std::chrono::steady_clock::now();
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  const auto built = reprise::drift::buildProfile(in, reprise::drift::TableFormat::Csv, {});
  if (!built) {
    std::cerr << built.error().message << "\n";
    return 1;
  }
  getrusage(RUSAGE_SELF, &after);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + t.tv_usec / 1e6;
  };
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  const double cpu = seconds(after.ru_utime) - seconds(before.ru_utime);
  std::printf(
      "%ld rows, %d columns: %.1f s (%.1f s of CPU), %.0f rows a second of CPU, peak RSS %.1f MB, "
      "document %.1f KB\n",
      rows, columns, wall.count(), cpu, static_cast<double>(rows) / cpu,
      static_cast<double>(after.ru_maxrss) / 1024,
      static_cast<double>(built->document.toJson().dump().size()) / 1024);
  return 0;
}
