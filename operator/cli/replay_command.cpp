#include "cli/replay_command.h"

#include <cmath>
#include <cstdio>
#include <iostream>
#include <memory>

#include <nlohmann/json.hpp>

#include "cli/replay_input.h"
#include "drift/replay.h"

namespace reprise::cli {
namespace {

using drift::ReplayMode;
using drift::ReplayResult;
using drift::ReplayScore;
using nlohmann::json;

struct Settings {
  ReplayFiles files;
  std::string policy = "switch", output = "text";
  drift::ReplayOptions options;
};

std::string number(double value, int digits) {
  if (std::isnan(value)) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string share(std::int64_t part, std::int64_t whole) {
  return std::to_string(part) + " of " + std::to_string(whole);
}

void printTimeline(const ReplayResult& result) {
  std::printf("%9s  %-14s %-16s %-16s %s\n", "ROW", "WHAT", "VERSION", "REASON", "MESSAGE");
  for (const auto& event : result.timeline) {
    std::printf("%9lld  %-14s %-16s %-16s %s%s\n", static_cast<long long>(event.row + 1),
                event.action.c_str(), event.version.c_str(), event.reason.c_str(),
                event.right ? "" : "[not right] ", event.message.c_str());
  }
}

void line(const char* name, const std::string& value) {
  std::printf("  %-52s %s\n", name, value.c_str());
}

void printScore(const std::string& policy, const ReplayScore& s) {
  std::printf("\n%s, %lld rows\n", policy.c_str(), static_cast<long long>(s.rows));
  if (s.changes > 0) {
    line("known kinds that came back: switched rightly", share(s.right, s.returns));
    line("  … to a wrong version", share(s.wrong, s.returns));
    line("  … needless trainings", share(s.needless, s.returns));
    line("  … not seen", share(s.missed, s.returns));
    line("new kinds: taken for a known one", share(s.taken, s.arrivals));
    line("  … not seen", share(s.arrivalsMissed, s.arrivals));
    line("median rows from a change to the alarm", number(drift::median(s.alarmRows), 0));
    line("median rows from a return to the right switch", number(drift::median(s.switchRows), 0));
    line("false actions per 10,000 rows",
         number(1e4 * static_cast<double>(s.falseActions) / static_cast<double>(s.rows), 3));
    line("blind-spot rows: a wrong version, and no alarm", std::to_string(s.blindRows));
  }
  line("alarms", std::to_string(s.alarms));
  line("trainings", std::to_string(s.trainings));
  if (s.judged == 0) return;
  line("mean error", number(s.errorSum / static_cast<double>(s.judged), 4));
  if (s.recoveryJudged > 0)
    line("mean error after returns",
         number(s.recoveryErrorSum / static_cast<double>(s.recoveryJudged), 4));
}

json toJson(const ReplayResult& result) {
  json timeline = json::array();
  for (const auto& event : result.timeline) {
    timeline.push_back({{"row", event.row + 1},
                        {"what", event.action},
                        {"version", event.version},
                        {"reason", event.reason},
                        {"message", event.message},
                        {"right", event.right}});
  }
  const auto& s = result.score;
  const auto orNull = [](double value) { return std::isnan(value) ? json() : json(value); };
  return {{"timeline", timeline},
          {"score",
           {{"rows", s.rows},
            {"changes", s.changes},
            {"returns", s.returns},
            {"rightSwitches", s.right},
            {"wrongSwitches", s.wrong},
            {"needlessTrainings", s.needless},
            {"missedReturns", s.missed},
            {"newKinds", s.arrivals},
            {"newKindsTakenForKnown", s.taken},
            {"missedNewKinds", s.arrivalsMissed},
            {"trainings", s.trainings},
            {"alarms", s.alarms},
            {"falseAlarms", s.falseAlarms},
            {"falseActions", s.falseActions},
            {"blindRows", s.blindRows},
            {"medianRowsToAlarm", orNull(drift::median(s.alarmRows))},
            {"medianRowsToSwitch", orNull(drift::median(s.switchRows))},
            {"judgedRows", s.judged},
            {"errorSum", s.errorSum},
            {"recoveryRows", s.recoveryJudged},
            {"recoveryErrorSum", s.recoveryErrorSum}}}};
}

int complain(const Error& error) {
  std::cerr << "kubectl reprise replay: " << error.message << "\n";
  return error.code == ErrorCode::InvalidArgument ? 2 : 1;
}

int run(Settings settings) {
  settings.files.trainRows = settings.options.trainRows;
  const auto input = readReplay(settings.files);
  if (!input) return complain(input.error());
  std::vector<ReplayMode> modes;
  if (settings.policy == "all") {
    modes = {ReplayMode::Never, ReplayMode::Always, ReplayMode::Switch, ReplayMode::Oracle};
  } else {
    modes = {*drift::replayMode(settings.policy)};
  }
  json out = json::object();
  for (const auto& note : input->notes) std::cerr << "note: " << note << "\n";
  for (const auto mode : modes) {
    settings.options.mode = mode;
    if (mode == ReplayMode::Oracle && settings.files.kind.empty()) {
      if (settings.policy == "all") continue;
      return complain({ErrorCode::InvalidArgument,
                       "--policy oracle: needs --kind, the column that tells it what rows are"});
    }
    const auto result = drift::replay(input->basis, input->rows, input->versions,
                                      drift::forestTrainer(input->basis), settings.options);
    if (!result)
      return complain(
          {ErrorCode::InvalidArgument, settings.files.rows + ": " + result.error().message});
    const std::string name(drift::to_string(mode));
    if (settings.output == "json") {
      out[name] = toJson(*result);
    } else {
      if (modes.size() == 1) printTimeline(*result);
      printScore(name, result->score);
    }
  }
  if (settings.output == "json") std::cout << out.dump(2) << "\n";
  return 0;
}

}  // namespace

void addReplay(CLI::App& app, Action& chosen) {
  const auto settings = std::make_shared<Settings>();
  auto& files = settings->files;
  auto& options = settings->options;
  auto& policy = options.policy;
  auto* command = app.add_subcommand(
      "replay", "what would have been decided over a file of rows, and how well");
  command->add_option("rows", files.rows, "rows in the order they came: .csv, .jsonl or .ndjson")
      ->required();
  command->add_option(
      "--versions", files.versions,
      "versions that are kept at the start (JSON); without it the first rows make one");
  command->add_option("--serving", files.serving, "version that serves first; default: the first");
  command->add_option("--label", files.label, "column with the truth that a model should answer");
  command->add_option("--kind", files.kind,
                      "column with the kind of data of each row, for the score");
  command->add_option("--context", files.context, "column with what a request says that it is");
  command->add_option("--ignore", files.ignore, "columns that are no inputs");
  command->add_option("--policy", settings->policy, "never, always, switch, oracle or all")
      ->check(CLI::IsMember({"never", "always", "switch", "oracle", "all"}))
      ->capture_default_str();
  command->add_option("--window", options.window, "rows of a window")
      ->check(CLI::Range(4, 1'000'000))
      ->capture_default_str();
  command->add_option("--min-samples", policy.minSamples, "as spec.drift.window.minSamples")
      ->check(CLI::Range(10, 1'000'000))
      ->capture_default_str();
  command->add_option("--labels-late", options.labelsLate, "rows until a label comes")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      ->add_option("--training-takes", options.trainTakes, "rows that come while a training runs")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      ->add_option("--training-rows", options.trainRows,
                   "rows that a version is trained on, at most")
      ->check(CLI::Range(10, 1'000'000))
      ->capture_default_str();
  command->add_option("--recovery", options.recovery, "rows after a return that are scored apart")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--cooldown", policy.cooldownMs, "rows after an action until the next")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      ->add_option("--retrain-cooldown", policy.retrainCooldownMs,
                   "rows after a training was asked for")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("-o,--output", settings->output, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->callback([settings, &chosen] { chosen = [settings] { return run(*settings); }; });
}

}  // namespace reprise::cli
