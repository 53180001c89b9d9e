#include "streams.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <iostream>
#include <map>
#include <numeric>

#include "drift/csv.h"
#include "drift/forest.h"

namespace reprise::bench {
namespace {

using drift::Cell;
using drift::ReplayRow;
using drift::Row;

double uniform(Random& random, double from, double to) {
  return std::uniform_real_distribution<double>(from, to)(random);
}
double normal(Random& random) { return std::normal_distribution<double>()(random); }
int below(Random& random, int count) {
  return static_cast<int>(random() % static_cast<std::uint64_t>(count));
}
ReplayRow rowOf(Row row, int label) {
  ReplayRow out;
  out.row = std::move(row);
  out.label = std::to_string(label);
  return out;
}
std::vector<std::string> numbered(int count) {
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) out.push_back("x" + std::to_string(i));
  return out;
}
int flipped(Random& random, int label, double share) {
  return uniform(random, 0, 1) < share ? 1 - label : label;
}
std::array<int, kKinds> threeOf(int count, Random& random) {
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  std::shuffle(all.begin(), all.end(), random);
  return {all[0], all[1], all[2]};
}

// SEA (Street & Kim 2001): three numbers in 0 … 10, positive where the first two add up to less
// than a threshold; 5 % noise. With moved inputs the ranges differ by kind too.
Stream sea(Random& random, bool labelsOnly) {
  const std::array<double, 4> thresholds = {8, 9, 7, 9.5};
  const auto pick = threeOf(4, random);
  std::array<double, kKinds> low{}, high{};
  for (int k = 0; k < kKinds; ++k) {
    const auto at = static_cast<std::size_t>(k);
    low[at] = labelsOnly ? 0 : std::array{0.0, 2.5, 0.0}[at];
    high[at] = labelsOnly ? 10 : std::array{10.0, 10.0, 6.5}[at];
  }
  return {labelsOnly ? "sea, rule" : "sea, inputs", labelsOnly, false, numbered(3),
          [=](int kind, bool, Random& r) {
            const auto k = static_cast<std::size_t>(kind);
            const double a = uniform(r, low[k], high[k]), b = uniform(r, low[k], high[k]);
            const double limit = thresholds[static_cast<std::size_t>(pick[k])];
            return rowOf({a, b, uniform(r, 0, 10)}, flipped(r, a + b <= limit, 0.05));
          }};
}

// STAGGER (Schlimmer & Granger 1986): three categories, three rules.
Stream stagger(Random& random) {
  const auto pick = threeOf(3, random);
  return {"stagger, rule", true, false, {"size", "color", "shape"}, [=](int kind, bool, Random& r) {
            static const std::array<const char*, 3> sizes = {"small", "medium", "large"};
            static const std::array<const char*, 3> colors = {"red", "green", "blue"};
            static const std::array<const char*, 3> shapes = {"square", "circle", "triangle"};
            const auto s = static_cast<std::size_t>(below(r, 3));
            const auto c = static_cast<std::size_t>(below(r, 3));
            const auto f = static_cast<std::size_t>(below(r, 3));
            const std::array<bool, 3> rules = {s == 0 && c == 0, c == 1 || f == 1, s >= 1};
            const bool label =
                rules[static_cast<std::size_t>(pick[static_cast<std::size_t>(kind)])];
            return rowOf({std::string(sizes[s]), std::string(colors[c]), std::string(shapes[f])},
                         label);
          }};
}

// Agrawal, Imielinski, Swami (1993), functions 1 to 5; with moved inputs age and salary are of
// other people too.
bool agrawalRule(int function, double salary, double age, int level, double loan) {
  const auto in = [](double x, double a, double b) { return x >= a && x <= b; };
  const int third = age < 40 ? 0 : age < 60 ? 1 : 2;
  const std::array<std::pair<double, double>, 3> pay = {
      std::pair{5e4, 1e5}, {7.5e4, 1.25e5}, {2.5e4, 7.5e4}};
  const auto at = static_cast<std::size_t>(third);
  const bool paid = in(salary, pay[at].first, pay[at].second);
  const bool taught = level >= third && level <= third + (third == 0 ? 1 : 2);
  switch (function) {
    case 0: return third != 1;
    case 1: return paid;
    case 2: return taught;
    case 3:
      if (third == 0) return taught ? in(salary, 2.5e4, 7.5e4) : in(salary, 5e4, 1e5);
      if (third == 1) return taught ? in(salary, 5e4, 1e5) : in(salary, 7.5e4, 1.25e5);
      return taught ? in(salary, 5e4, 1e5) : in(salary, 2.5e4, 7.5e4);
    default:
      if (third == 0) return paid ? in(loan, 1e5, 3e5) : in(loan, 2e5, 4e5);
      if (third == 1) return paid ? in(loan, 2e5, 4e5) : in(loan, 3e5, 5e5);
      return paid ? in(loan, 3e5, 5e5) : in(loan, 1e5, 3e5);
  }
}

Stream agrawal(Random& random, bool labelsOnly) {
  const auto pick = threeOf(5, random);
  return {labelsOnly ? "agrawal, rule" : "agrawal, inputs",
          labelsOnly,
          false,
          {"salary", "commission", "age", "level", "car", "zip", "value", "years", "loan"},
          [=](int kind, bool, Random& r) {
            const auto k = static_cast<std::size_t>(kind);
            const double skew = labelsOnly ? 1 : std::array{1.0, 1.8, 0.55}[k];
            const double salary = 2e4 + 1.3e5 * std::pow(uniform(r, 0, 1), skew);
            const double age = 20 + 60 * std::pow(uniform(r, 0, 1), labelsOnly ? 1 : 1 / skew);
            const double commission = salary >= 7.5e4 ? 0 : uniform(r, 1e4, 7.5e4);
            const int level = below(r, 5), zip = below(r, 9);
            const double value = uniform(r, 0.5, 1.5) * 1e5 * (zip + 1);
            const double loan = uniform(r, 0, 5e5);
            return rowOf({salary, commission, age, static_cast<double>(level),
                          "c" + std::to_string(below(r, 20)), "z" + std::to_string(zip), value,
                          static_cast<double>(1 + below(r, 30)), loan},
                         agrawalRule(pick[k], salary, age, level, loan));
          }};
}

// RandomRBF: 8 Gaussian centres a kind in 10 dimensions, each of one of three classes.
Stream randomRbf(Random& random) {
  struct Centre {
    std::array<double, 10> at;
    int label;
  };
  std::vector<std::vector<Centre>> kinds(kKinds);
  for (auto& centres : kinds) {
    for (int i = 0; i < 8; ++i) {
      Centre centre{{}, i % 3};
      for (auto& x : centre.at) x = uniform(random, 0, 1);
      centres.push_back(centre);
    }
  }
  return {"random rbf, inputs", false, false, numbered(10), [kinds](int kind, bool, Random& r) {
            const auto& centre = kinds[static_cast<std::size_t>(kind)][r() % 8];
            Row row;
            for (const double x : centre.at) row.emplace_back(x + 0.12 * normal(r));
            return rowOf(std::move(row), centre.label);
          }};
}

// Two classes on both sides of the origin, whose axis turns; two features say nothing.
Stream rotating(Random& random) {
  const double start = uniform(random, 0, 3.1);
  return {"rotating, inputs", false, false, numbered(4), [=](int kind, bool, Random& r) {
            const double angle = start + kind * 3.14159265 / 3;
            const int label = below(r, 2);
            const double side = label ? 1.6 : -1.6;
            return rowOf({side * std::cos(angle) + normal(r), side * std::sin(angle) + normal(r),
                          normal(r), normal(r)},
                         label);
          }};
}

// Each feature alone stays the same; which pairs go together turns, and the label with it.
Stream correlations(Random& random) {
  const auto pick = threeOf(3, random);
  return {"correlations, inputs", false, false, numbered(6), [=](int kind, bool, Random& r) {
            const int shift = 1 + pick[static_cast<std::size_t>(kind)];
            std::array<double, 6> x{};
            for (auto& one : x) one = normal(r);
            // partners of 0, 1, 2 among 3, 4, 5
            for (int i = 0; i < 3; ++i) {
              const auto to = static_cast<std::size_t>(3 + (i + shift) % 3);
              x[to] = 0.85 * x[static_cast<std::size_t>(i)] + 0.53 * x[to];
            }
            const double sum = x[0] + (kind == 1 ? -1 : 1) * x[1] + (kind == 2 ? -1 : 1) * x[2];
            return rowOf({x[0], x[1], x[2], x[3], x[4], x[5]}, sum > 0);
          }};
}

// A hyperplane in 10 dimensions with other weights in each kind; three means move by 0.8 sd.
Stream hyperplane(Random& random, bool labelsOnly) {
  std::vector<std::vector<double>> weights(kKinds, std::vector<double>(10));
  std::vector<std::vector<double>> means(kKinds, std::vector<double>(10, 0));
  for (int k = 0; k < kKinds; ++k) {
    for (auto& w : weights[static_cast<std::size_t>(k)])
      w = below(random, 3) == 0 ? normal(random) : 0;
    weights[static_cast<std::size_t>(k)][static_cast<std::size_t>(2 * k)] = 2;
    for (int i = 0; i < 3 && !labelsOnly; ++i)
      means[static_cast<std::size_t>(k)][random() % 10] += below(random, 2) ? 0.8 : -0.8;
  }
  return {labelsOnly ? "hyperplane, rule" : "hyperplane, inputs", labelsOnly, false, numbered(10),
          [=](int kind, bool, Random& r) {
            const auto k = static_cast<std::size_t>(kind);
            Row row;
            double sum = 0;
            for (std::size_t i = 0; i < 10; ++i) {
              const double noise = normal(r);
              row.emplace_back(means[k][i] + noise);
              sum += weights[k][i] * noise;
            }
            return rowOf(std::move(row), flipped(r, sum > 0, 0.03));
          }};
}

// Rows of a file, in thirds by its column "group", each in two halves. The sets are small, so rows
// are drawn with replacement: a version that was trained on the live half has seen most of them.
struct Table {
  std::vector<std::string> names;
  std::vector<std::array<std::vector<ReplayRow>, 2>> kinds;  // [kind][live]
  std::vector<std::string> labels;
};

std::shared_ptr<const Table> readTable(const std::string& path, Random& random) {
  std::ifstream in(path);
  if (!in) return nullptr;
  auto out = std::make_shared<Table>();
  std::vector<std::pair<double, ReplayRow>> all;
  const drift::TableReader reader{[&](const auto& names) -> Expected<void> {
                                    out->names.assign(names.begin() + 2, names.end());
                                    return {};
                                  },
                                  [&](const Row& row) -> Expected<void> {
                                    ReplayRow one;
                                    one.label = drift::labelText(row[0]);
                                    one.row.assign(row.begin() + 2, row.end());
                                    all.emplace_back(std::get<double>(row[1]), std::move(one));
                                    return {};
                                  }};
  if (auto good = drift::readCsv(in, {}, reader); !good) {
    std::cerr << path << ": " << good.error().message << "\n";
    return nullptr;
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::map<std::string, int> seen;
  for (const auto& [group, one] : all) ++seen[std::get<std::string>(one.label)];
  for (const auto& [label, count] : seen) out->labels.push_back(label);
  out->kinds.resize(kKinds);
  std::vector<std::vector<ReplayRow>> thirds(kKinds);
  for (std::size_t i = 0; i < all.size(); ++i)
    thirds[i * kKinds / all.size()].push_back(std::move(all[i].second));
  for (std::size_t k = 0; k < kKinds; ++k) {
    std::shuffle(thirds[k].begin(), thirds[k].end(), random);
    for (std::size_t i = 0; i < thirds[k].size(); ++i)
      out->kinds[k][i % 2].push_back(std::move(thirds[k][i]));
  }
  return out;
}

Stream cut(const std::string& name, std::shared_ptr<const Table> table) {
  return {name + ", inputs",
          false,
          true,
          table->names,
          [table](int kind, bool live, Random& r) {
            const auto& rows = table->kinds[static_cast<std::size_t>(kind)][live];
            return rows[r() % rows.size()];
          },
          [table](int kind) { return table->kinds[static_cast<std::size_t>(kind)][0]; }};
}

// All rows in each kind; the labels are renamed, by a rotation.
Stream relabelled(const std::string& name, std::shared_ptr<const Table> table) {
  return {name + ", rule",
          true,
          true,
          table->names,
          [table](int kind, bool live, Random& r) {
            const auto& rows = table->kinds[r() % kKinds][live];
            auto out = rows[r() % rows.size()];
            const auto& labels = table->labels;
            const auto at = static_cast<std::size_t>(
                std::find(labels.begin(), labels.end(), std::get<std::string>(out.label)) -
                labels.begin());
            out.label = labels[(at + static_cast<std::size_t>(kind)) % labels.size()];
            return out;
          },
          [table](int kind) {
            std::vector<ReplayRow> out;
            for (const auto& third : table->kinds)
              out.insert(out.end(), third[0].begin(), third[0].end());
            return kind == 0 ? out : std::vector<ReplayRow>();
          }};
}

}  // namespace

std::vector<Stream> synthetic(std::uint64_t seed) {
  Random random(seed * 7919 + 17);
  std::vector<Stream> out;
  out.push_back(randomRbf(random));
  out.push_back(rotating(random));
  out.push_back(correlations(random));
  out.push_back(hyperplane(random, false));
  out.push_back(sea(random, false));
  out.push_back(agrawal(random, false));
  out.push_back(stagger(random));
  out.push_back(sea(random, true));
  out.push_back(agrawal(random, true));
  out.push_back(hyperplane(random, true));
  return out;
}

std::vector<Stream> real(const std::string& folder, std::uint64_t seed) {
  Random random(seed * 104729 + 3);
  std::vector<Stream> out;
  for (const std::string name : {"digits", "breast_cancer", "diabetes"}) {
    if (auto table = readTable(folder + "/" + name + ".csv", random))
      out.push_back(cut(name, table));
  }
  for (const std::string name : {"digits", "wine"}) {
    if (auto table = readTable(folder + "/" + name + ".csv", random))
      out.push_back(relabelled(name, table));
  }
  return out;
}

}  // namespace reprise::bench
