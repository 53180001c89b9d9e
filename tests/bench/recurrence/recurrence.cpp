// Kinds of data that come back, A B A C B A, under each policy; the table of docs/design/drift.md.
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <map>

#include <CLI/CLI.hpp>

#include "drift/replay.h"
#include "streams.h"

namespace reprise::bench {
namespace {

using drift::ReplayMode;
using drift::ReplayOptions;
using drift::ReplayRow;
using drift::ReplayScore;

// How the rows are made of the kinds.
struct Course {
  std::vector<std::pair<int, int>> parts;  // kind, rows
  int gradual = 0;                         // rows over which one kind takes over from the other
  double missing = 0;                      // share of cells without a value
};

struct Settings {
  std::uint64_t firstSeed = 1001;
  int seeds = 10;
  int segment = 5000;
  std::string realFolder, only;
  bool perStream = false, timeline = false, faults = false;
  std::vector<std::string> policies;  // those alone; empty: all of a case
  ReplayOptions options;
};

void hide(ReplayRow& row, double share, Random& random) {
  for (auto& cell : row.row) {
    if (std::uniform_real_distribution<double>(0, 1)(random) < share) cell = drift::Cell{};
  }
}

std::vector<ReplayRow> rowsOf(const Stream& stream, const Course& course, Random& random) {
  std::vector<ReplayRow> out;
  for (std::size_t part = 0; part < course.parts.size(); ++part) {
    const auto [kind, count] = course.parts[part];
    for (int i = 0; i < count; ++i) {
      // Over `gradual` rows around its start a kind's share grows from 0 to 1; the truth is the one
      // that has the larger share.
      const bool early = 2 * i < count;
      const bool alone = early ? part == 0 : part + 1 == course.parts.size();
      const int other = alone ? kind : course.parts[early ? part - 1 : part + 1].first;
      const double far = early ? i : count - i;
      const double share = course.gradual > 0 ? std::min(1.0, 0.5 + far / course.gradual) : 1.0;
      const bool own = std::uniform_real_distribution<double>(0, 1)(random) <= share;
      auto row = stream.draw(own ? kind : other, true, random);
      row.kind = std::string(1, static_cast<char>('A' + kind));
      hide(row, course.missing, random);
      out.push_back(std::move(row));
    }
  }
  return out;
}

struct Prepared {
  drift::Basis basis;
  drift::ReplayVersion first;
  drift::Trainer trainer;
};

// `disjoint`: real rows of the training do not come again in the stream.
Prepared prepare(const Stream& stream, const Course& course, bool disjoint, Random& random) {
  std::vector<ReplayRow> rows;
  std::vector<drift::Row> inputs;
  if (disjoint && stream.others) rows = stream.others(0);
  for (int i = 0; i < 1000 && !(disjoint && stream.others); ++i)
    rows.push_back(stream.draw(0, true, random));
  for (auto& row : rows) {
    row.kind = "A";
    hide(row, course.missing, random);
    inputs.push_back(row.row);
  }
  auto basis = drift::Basis::fit(stream.names, inputs);
  if (!basis) throw std::runtime_error(stream.name + ": " + basis.error().message);
  auto trainer = drift::forestTrainer(*basis);
  auto first = trainer(rows, 0, rows.size());
  if (!first) throw std::runtime_error(stream.name + ": " + first.error().message);
  first->name = "v1";
  first->kind = "A";
  return {std::move(*basis), std::move(*first), std::move(trainer)};
}

bool faulty(const ReplayScore& s) {
  return s.wrong + s.needless + s.missed + s.taken + s.arrivalsMissed + s.falseActions > 0;
}

ReplayScore run(const Stream& stream, const Prepared& ready, const std::vector<ReplayRow>& rows,
                const ReplayOptions& options, const Settings& settings, std::uint64_t seed) {
  auto out = drift::replay(ready.basis, rows, {ready.first}, ready.trainer, options);
  if (!out) throw std::runtime_error(stream.name + ": " + out.error().message);
  const bool shown = settings.timeline || (settings.faults && faulty(out->score));
  if (shown)
    std::printf("  %s, %s, seed %llu\n", stream.name.c_str(),
                std::string(to_string(options.mode)).c_str(),
                static_cast<unsigned long long>(seed));
  for (const auto& event : shown ? out->timeline : std::vector<drift::ReplayEvent>{})
    std::printf("    %7lld %-8s %-4s %-16s %s%s\n", static_cast<long long>(event.row),
                event.action.c_str(), event.version.c_str(), event.reason.c_str(),
                event.right ? "" : "(WRONG) ", event.message.c_str());
  return std::move(out->score);
}

double percent(std::int64_t part, std::int64_t whole) {
  return whole ? 100.0 * static_cast<double>(part) / static_cast<double>(whole) : 0;
}

void printHeader() {
  std::printf("%-34s %8s %8s %8s %8s %8s %8s %9s %8s %8s %6s\n", "", "returns", "right %",
              "wrong %", "train %", "missed %", "taken %", "rows", "recov.", "all", "blind%");
}

void print(const std::string& name, const ReplayScore& s) {
  std::printf(
      "%-34s %8lld %8.1f %8.1f %8.1f %8.1f %8.1f %9.0f %8.3f %8.3f %6.1f\n", name.c_str(),
      static_cast<long long>(s.returns), percent(s.right, s.returns), percent(s.wrong, s.returns),
      percent(s.needless, s.returns), percent(s.missed, s.returns), percent(s.taken, s.arrivals),
      drift::median(s.switchRows), s.recovery(), s.accuracy(), percent(s.blindRows, s.rows));
  std::fflush(stdout);
}

class Bench {
 public:
  explicit Bench(Settings settings) : settings_(std::move(settings)) {}

  std::vector<Stream> streams(std::uint64_t seed) const {
    auto out = synthetic(seed);
    if (!settings_.realFolder.empty()) {
      for (auto& stream : real(settings_.realFolder, seed)) out.push_back(std::move(stream));
    }
    std::erase_if(out, [&](const auto& stream) {
      return !settings_.only.empty() && stream.name.find(settings_.only) == std::string::npos;
    });
    return out;
  }

  // policy → group → score
  void table(const std::string& title, const Course& course, ReplayOptions options,
             std::vector<std::string> policies) const {
    if (!settings_.policies.empty()) {
      std::erase_if(policies, [&](const auto& one) {
        return std::find(settings_.policies.begin(), settings_.policies.end(), one) ==
               settings_.policies.end();
      });
    }
    std::map<std::string, std::map<std::string, ReplayScore>> groups, single;
    std::vector<std::string> order;
    for (int i = 0; i < settings_.seeds; ++i) {
      const auto seed = settings_.firstSeed + static_cast<std::uint64_t>(i);
      for (const auto& stream : streams(seed)) {
        Random random(seed);
        const auto ready = prepare(stream, course, false, random);
        const auto rows = rowsOf(stream, course, random);
        if (i == 0) order.push_back(stream.name);
        for (const auto& policy : policies) {
          options.mode = drift::replayMode(policy.substr(0, policy.find(' '))).value();
          options.oracleDelay = policy == "oracle once labels come" ? options.labelsLate : 0;
          const auto score = run(stream, ready, rows, options, settings_, seed);
          groups[stream.labelsOnly ? "only labels move" : "inputs move"][policy].add(score);
          single[stream.name][policy].add(score);
        }
      }
    }
    std::printf("\n%s; seeds %llu to %llu\n", title.c_str(),
                static_cast<unsigned long long>(settings_.firstSeed),
                static_cast<unsigned long long>(settings_.firstSeed) + settings_.seeds - 1);
    printHeader();
    for (const auto& [group, scores] : groups) {
      std::printf("%s\n", group.c_str());
      for (const auto& policy : policies) print("  " + policy, scores.at(policy));
      const auto& ours = scores.find("switch");
      if (ours == scores.end()) continue;
      const auto& s = ours->second;
      std::printf(
          "  switch: alarms %lld, false %lld; actions while right %lld = %.3f per 10,000 rows; "
          "trainings %lld; median rows to the alarm %.0f, from a new kind to its training %.0f; "
          "arrivals without an answer %lld of %lld\n",
          static_cast<long long>(s.alarms), static_cast<long long>(s.falseAlarms),
          static_cast<long long>(s.falseActions),
          1e4 * static_cast<double>(s.falseActions) / static_cast<double>(s.rows),
          static_cast<long long>(s.trainings), drift::median(s.alarmRows),
          drift::median(s.trainRows), static_cast<long long>(s.arrivalsMissed),
          static_cast<long long>(s.arrivals));
    }
    if (!settings_.perStream) return;
    for (const auto& name : order) {
      for (const auto& policy : policies)
        print("  " + name + ": " + policy, single.at(name).at(policy));
    }
  }

  void noDrift(std::int64_t rows, bool realOnly) const {
    std::map<std::string, ReplayScore> scores;
    ReplayScore all;
    std::int64_t total = 0;
    for (int i = 0; total < rows; ++i) {
      const auto seed = settings_.firstSeed + 500 + static_cast<std::uint64_t>(i);
      bool any = false;
      for (const auto& stream : streams(seed)) {
        if (stream.real != realOnly || total >= rows) continue;
        any = true;
        Random random(seed);
        const Course course{{{0, 10'000}}};
        const auto ready = prepare(stream, course, true, random);
        auto options = settings_.options;
        options.mode = ReplayMode::Switch;
        const auto score =
            run(stream, ready, rowsOf(stream, course, random), options, settings_, seed);
        scores[stream.name].add(score);
        all.add(score);
        total += score.rows;
      }
      if (!any) return;
    }
    std::printf(
        "\nno drift, %s: %lld rows, %lld alarms, %lld actions = %.4f actions per 10,000 rows\n",
        realOnly ? "real sets, live rows disjoint from those of the training" : "generators",
        static_cast<long long>(all.rows), static_cast<long long>(all.alarms),
        static_cast<long long>(all.falseActions),
        1e4 * static_cast<double>(all.falseActions) / static_cast<double>(all.rows));
    for (const auto& [name, score] : scores) {
      if (score.alarms > 0)
        std::printf("  %s: %lld rows, %lld alarms, %lld actions\n", name.c_str(),
                    static_cast<long long>(score.rows), static_cast<long long>(score.alarms),
                    static_cast<long long>(score.falseActions));
    }
    std::fflush(stdout);
  }

 private:
  Settings settings_;
};

Course sequence(int segment) {
  return {{{0, segment}, {1, segment}, {0, segment}, {2, segment}, {1, segment}, {0, segment}}};
}

}  // namespace
}  // namespace reprise::bench

int main(int argc, char** argv) {
  using namespace reprise::bench;
  Settings settings;
  std::vector<std::string> cases = {"table", "nodrift", "gradual", "missing", "late", "training"};
  std::int64_t noDriftRows = 600'000;
  int caseSeeds = 4;
  settings.options.labelsLate = 300;
  CLI::App app{"kinds of data that come back, under each policy"};
  app.add_option("--seeds", settings.seeds, "streams are made anew for each")
      ->capture_default_str();
  app.add_option("--first-seed", settings.firstSeed,
                 "1 … 100 were used to set thresholds, from 1001 on to measure")
      ->capture_default_str();
  app.add_option("--segment", settings.segment, "rows of one kind in a row")->capture_default_str();
  app.add_option("--real", settings.realFolder, "folder with the CSV files of export.py");
  app.add_option("--only", settings.only, "streams whose name contains this");
  app.add_option("--case", cases, "table nodrift gradual missing late training")
      ->capture_default_str();
  app.add_option("--nodrift-rows", noDriftRows, "rows of the streams that do not drift")
      ->capture_default_str();
  app.add_option("--case-seeds", caseSeeds, "seeds of the cases beside the table")
      ->capture_default_str();
  app.add_option("--window", settings.options.window, "rows of a window")->capture_default_str();
  app.add_option("--min-samples", settings.options.policy.minSamples, "as in spec.drift.window")
      ->capture_default_str();
  app.add_option("--min-window-rows", settings.options.policy.minWindowRows, "rows of a look")
      ->capture_default_str();
  app.add_option("--tolerance-floor", settings.options.policy.toleranceFloor,
                 "effect below which nothing is drift")
      ->capture_default_str();
  app.add_option("--policy", settings.policies, "these alone");
  app.add_flag("--per-stream", settings.perStream, "a line for each stream");
  app.add_flag("--timeline", settings.timeline, "what was decided, and why");
  app.add_flag("--faults", settings.faults, "… of streams where something went wrong");
  CLI11_PARSE(app, argc, argv);

  const auto wanted = [&](const char* name) {
    return std::find(cases.begin(), cases.end(), name) != cases.end();
  };
  const std::vector<std::string> all = {"never", "always", "switch", "oracle",
                                        "oracle once labels come"};
  const std::vector<std::string> few = {"never", "switch", "oracle"};
  const Bench bench(settings);
  const auto plain = sequence(settings.segment);
  if (wanted("table"))
    bench.table("A B A C B A, labels 300 rows late, a training takes 2,300 rows", plain,
                settings.options, all);
  settings.seeds = std::min(settings.seeds, caseSeeds);
  const Bench cased(settings);
  if (wanted("gradual")) {
    auto course = plain;
    course.gradual = 1500;
    cased.table("gradual: a kind takes over within 1,500 rows", course, settings.options, few);
  }
  if (wanted("missing")) {
    auto course = plain;
    course.missing = 0.1;
    cased.table("a tenth of the cells has no value", course, settings.options, few);
  }
  if (wanted("late")) {
    auto options = settings.options;
    options.labelsLate = 2000;
    auto told = few;
    told.push_back(all.back());
    cased.table("labels 2,000 rows late", plain, options, told);
    cased.table("labels 2,000 rows late, kinds last 2,500 rows", sequence(2500), options, told);
  }
  if (wanted("training")) {
    const int s = settings.segment;
    const Course course{{{0, s}, {1, s}, {0, s}, {2, 1000}, {1, s}, {0, s}, {2, s}}};
    cased.table("C lasts 1,000 rows: the data moves on while its training runs", course,
                settings.options, few);
  }
  if (wanted("nodrift")) {
    bench.noDrift(noDriftRows, false);
    bench.noDrift(noDriftRows / 4, true);
  }
  return 0;
}
