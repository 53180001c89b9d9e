#include "agent/outcome.h"

#include <fstream>
#include <functional>

#include "agent/context.h"
#include "agent/environment.h"
#include "agent/files.h"
#include "agent/golden.h"
#include "agent/metrics.h"
#include "api/codec.h"
#include "api/labels.h"
#include "drift/csv.h"

namespace reprise::agent {
namespace {

using nlohmann::json;

// What etcd and every informer have to carry.
constexpr std::size_t kMaxObjectBytes = 256 * 1024;

tl::unexpected<Ending> refuse(std::string reason, std::string message) {
  return tl::unexpected(ended(std::move(reason), std::move(message), 1));
}

using Step = tl::expected<void, Ending>;

// run.json is the operator's: what is wrong in it is no mistake of the user's.
Step readRun(const fs::path& input, Outcome& out) {
  auto run = readJson(input / "run.json");
  if (!run) return refuse("InputMalformed", run.error().message);
  try {
    out.name = run->at("version").get<std::string>();
    out.ns = run->at("namespace").get<std::string>();
    out.storeUri = run->at("storeUri").get<std::string>();
    out.labels = run->value("labels", out.labels);
    out.spec.model = run->at("model").get<std::string>();
    out.spec.environment.image = run->at("image").get<std::string>();
    const json lineage = run->value("lineage", json::object());
    const auto text = [&](const char* key) { return lineage.value(key, std::string()); };
    out.spec.lineage = {text("pipeline"), text("run"),     text("trigger"),
                        text("parent"),   text("dataUri"), {}};
    out.spec.lineage.parameters = lineage.value("parameters", out.spec.lineage.parameters);
  } catch (const json::exception& error) {
    return refuse("InputMalformed", std::string("run.json: ") + error.what());
  }
  for (const auto* field :
       {&out.name, &out.ns, &out.storeUri, &out.spec.model, &out.spec.lineage.run}) {
    if (field->empty()) {
      return refuse(
          "InputMalformed",
          "run.json: version, namespace, storeUri, model and lineage.run must not be empty");
    }
  }
  out.labels[api::kModelLabel] = out.spec.model;
  return {};
}

Step readEnvironment(const fs::path& output, Outcome& out) {
  auto text = readJson(output / ".reprise" / "environment.json");
  auto found =
      text ? environmentFromJson(*text, ".reprise/environment.json") : tl::unexpected(text.error());
  if (!found) {
    return refuse("EnvironmentMissing",
                  found.error().message +
                      "; no step recorded its environment: `reprise-agent entry` must run them, "
                      "and they must leave $REPRISE_OUTPUT_DIR/.reprise alone");
  }
  auto& environment = out.spec.environment;
  environment.python = found->python;
  environment.packages = found->packages;
  environment.packagesSha256 = found->packagesSha256();
  environment.platform = found->platform;
  return {};
}

Step findModel(const fs::path& output, Outcome& out) {
  out.model = output / "model";
  std::error_code ec;
  const bool empty = fs::is_directory(out.model, ec) && fs::is_empty(out.model, ec);
  if (!fs::is_directory(out.model, ec) || empty) {
    return refuse("ModelMissing", std::string("$REPRISE_OUTPUT_DIR/model ") +
                                      (empty ? "is empty" : "is no directory") +
                                      "; spec.train must write the trained model into it");
  }
  return {};
}

Step readMetricsFile(const fs::path& output, Outcome& out) {
  auto metrics = readMetrics(output / "metrics.json");
  if (metrics) {
    out.spec.metrics = std::move(*metrics);
    return {};
  }
  if (metrics.error().code == ErrorCode::NotFound) {
    return refuse("MetricsMissing",
                  "$REPRISE_OUTPUT_DIR/metrics.json is missing; a step must write an object of "
                  "numbers into it, {} for none");
  }
  return refuse("MetricsMalformed", metrics.error().message);
}

// What the steps say knows better than what was asked for: they have seen the data.
Step readContext(const fs::path& output, const std::string& asked, Outcome& out) {
  const fs::path file = output / "context.json";
  if (!fs::exists(file)) {
    if (asked.empty()) return {};
    auto context = parseContext(asked, "REPRISE_CONTEXT");
    if (!context) return refuse("InputMalformed", context.error().message);
    out.spec.context = std::move(*context);
    return {};
  }
  auto text = readFile(file, std::size_t{1} << 20);
  auto context = text ? parseContext(*text, "context.json") : tl::unexpected(text.error());
  if (!context) return refuse("ContextMalformed", context.error().message);
  out.spec.context = std::move(*context);
  return {};
}

// The basis that the model's versions share; null where this is the first with a profile.
tl::expected<std::optional<drift::Basis>, Ending> carriedBasis(const fs::path& input) {
  const fs::path path = input / "basis.json";
  if (!fs::exists(path)) return std::nullopt;
  auto text = readJson(path);
  if (!text) return refuse("InputMalformed", text.error().message);
  if (text->is_null()) return std::nullopt;
  auto basis = drift::Basis::fromJson(*text);
  if (!basis) return refuse("InputMalformed", "basis.json: " + basis.error().message);
  return std::move(*basis);
}

// The one column of predictions.csv, a cell at a time.
Step readPredictions(const fs::path& file,
                     const std::function<Expected<void>(drift::Cell&)>& take) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return refuse("DataMalformed", "predictions.csv cannot be opened: " + errnoText(errno));
  const drift::TableReader reader{
      [](const auto& names) -> Expected<void> {
        if (names.size() == 1) return {};
        return fail(ErrorCode::InvalidArgument,
                    "line 1: must name one column, the model's answer to a row");
      },
      [&](const drift::Row& row) {
        drift::Cell cell = row[0];
        return take(cell);
      }};
  const auto read = drift::readCsv(in, {}, reader);
  if (!read) return refuse("DataMalformed", "predictions.csv: " + read.error().message);
  return {};
}

// What the model answers to the rows that it was trained on, in any order. How they are counted is
// fixed by the version that fixes the basis: one of before cannot take them up.
Step addPredictions(const fs::path& output, bool newBasis, drift::ProfileDocument& document,
                    std::string& note) {
  constexpr std::size_t kSample = 10'000;
  const fs::path file = output / "predictions.csv";
  if (!fs::exists(file)) return {};
  if (newBasis) {
    std::vector<drift::Cell> sample;
    auto read = readPredictions(file, [&](drift::Cell& cell) -> Expected<void> {
      if (sample.size() < kSample) sample.push_back(std::move(cell));
      return {};
    });
    if (!read) return read;
    if (auto fitted = document.fitPredictions(sample); !fitted)
      return refuse("DataMalformed", "predictions.csv: " + fitted.error().message);
  }
  if (!document.basis.prediction()) {
    note = "its predictions are not counted: earlier versions of the model had none";
    return {};
  }
  std::int64_t count = 0;
  auto read = readPredictions(file, [&](drift::Cell& cell) -> Expected<void> {
    ++count;
    return document.profile.addPrediction(document.basis, cell);
  });
  if (read && count != document.profile.rows()) {
    return refuse("DataMalformed", "predictions.csv has " + std::to_string(count) +
                                       " rows, the data " +
                                       std::to_string(document.profile.rows()));
  }
  return read;
}

Step profileOfRows(const fs::path& file, drift::TableFormat format, const fs::path& input,
                   Outcome& out) {
  auto basis = carriedBasis(input);
  if (!basis) return tl::unexpected(basis.error());
  const std::string name = file.filename().string();
  std::ifstream in(file, std::ios::binary);
  if (!in) return refuse("DataMalformed", name + " cannot be opened: " + errnoText(errno));
  auto built = drift::buildProfile(in, format, {}, *basis ? &**basis : nullptr);
  if (in.bad()) return refuse("DataMalformed", name + " cannot be read to its end");
  if (!built) return refuse("DataMalformed", name + ": " + built.error().message);
  const bool newBasis = !*basis || !built->basisChanged.empty();
  if (auto added = addPredictions(file.parent_path(), newBasis, built->document, out.note); !added)
    return added;
  out.spec.profile = built->document.toJson();
  if (!built->basisChanged.empty()) {
    out.note =
        "its profile cannot be compared with those of earlier versions: " + built->basisChanged;
  }
  return {};
}

Step readReadyProfile(const fs::path& file, Outcome& out) {
  auto text = readJson(file);
  if (!text) return refuse("ProfileMalformed", text.error().message);
  auto document = drift::ProfileDocument::fromJson(*text);
  if (!document) return refuse("ProfileMalformed", "profile.json: " + document.error().message);
  out.spec.profile = document->toJson();
  return {};
}

Step readData(const fs::path& input, const fs::path& output, Outcome& out) {
  std::vector<std::string> there;
  for (const char* name : {"data.csv", "data.jsonl", "profile.json"}) {
    if (fs::exists(output / name)) there.emplace_back(name);
  }
  if (fs::exists(output / "predictions.csv") && (there.empty() || there[0] == "profile.json")) {
    return refuse("DataMalformed",
                  "predictions.csv is there without the rows that it answers; write data.csv or "
                  "data.jsonl too");
  }
  if (there.empty()) return {};
  if (there.size() > 1) {
    return refuse("DataMalformed",
                  there[0] + " and " + there[1] + " are both there; write one of them");
  }
  const fs::path file = output / there[0];
  if (there[0] == "profile.json") return readReadyProfile(file, out);
  return profileOfRows(
      file, there[0] == "data.csv" ? drift::TableFormat::Csv : drift::TableFormat::JsonLines, input,
      out);
}

Step readGolden(const fs::path& output, Outcome& out) {
  const fs::path file = output / "examples.jsonl";
  if (!fs::exists(file)) return {};
  if (auto examples = readExamples(file); !examples)
    return refuse("ExamplesMalformed", examples.error().message);
  out.examples = file;
  return {};
}

Step checkSize(const Outcome& out) {
  const std::size_t whole = out.object(std::string(64, '0'), INT64_MAX).dump().size();
  if (whole < kMaxObjectBytes) return {};
  struct Part {
    std::size_t bytes;
    const char *name, *mend;
  };
  const Part parts[] = {
      {out.spec.profile.dump().size(), "spec.profile",
       "write fewer columns into data.csv or data.jsonl: the model's inputs only"},
      {json(out.spec.environment.packages).dump().size(), "spec.environment.packages",
       "install fewer packages into the image"},
      {json(out.spec.metrics).dump().size(), "spec.metrics",
       "write fewer or shorter names into metrics.json"},
      {json(out.spec.lineage.parameters).dump().size(), "spec.lineage.parameters",
       "shorten the pipeline's spec.parameters"}};
  const Part* largest = parts;
  for (const Part& part : parts) largest = part.bytes > largest->bytes ? &part : largest;
  return refuse("ObjectTooLarge",
                "the ModelVersion would have " + std::to_string(whole) + " bytes, it may have " +
                    std::to_string(kMaxObjectBytes) + "; " + largest->name + " has " +
                    std::to_string(largest->bytes) + " of them: " + largest->mend);
}

}  // namespace

json Outcome::object(const std::string& sha256, std::int64_t bytes) const {
  api::ModelVersionSpec full = spec;
  full.artifact = {storeUri + "/sha256/" + sha256, sha256, bytes};
  return {{"apiVersion", api::kApiVersion},
          {"kind", "ModelVersion"},
          {"metadata", {{"name", name}, {"namespace", ns}, {"labels", labels}}},
          {"spec", api::encode(full)}};
}

tl::expected<Outcome, Ending> readOutcome(const fs::path& input, const fs::path& output,
                                          const std::string& context) {
  Outcome out;
  Step step = readRun(input, out);
  if (step) step = findModel(output, out);
  if (step) step = readMetricsFile(output, out);
  if (step) step = readContext(output, context, out);
  if (step) step = readEnvironment(output, out);
  if (step) step = readGolden(output, out);
  if (step) step = readData(input, output, out);
  if (step) step = checkSize(out);
  if (!step) return tl::unexpected(step.error());
  return out;
}

}  // namespace reprise::agent
