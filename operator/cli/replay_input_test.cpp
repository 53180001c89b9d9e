#include "cli/replay_input.h"

#include <filesystem>
#include <fstream>
#include <random>

#include <gmock/gmock.h>

namespace reprise::cli {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

struct ReplayInputTest : ::testing::Test {
  fs::path folder =
      fs::temp_directory_path() / ("replay-" + std::to_string(std::random_device{}()));
  ReplayFiles files;

  ReplayInputTest() {
    fs::create_directories(folder);
    files.rows = write("rows.csv", table("A", 0, 40));
    write("a.csv", table("A", 0, 40));
    write("b.csv", table("B", 5, 40));
    files.label = "y";
    files.kind = "kind";
  }
  ~ReplayInputTest() override { fs::remove_all(folder); }

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder / name) << text;
    return (folder / name).string();
  }
  static std::string table(const std::string& kind, double mean, int count) {
    std::mt19937 random(7);
    std::normal_distribution<double> normal(mean);
    std::string out = "x,z,y,kind\n";
    for (int i = 0; i < count; ++i)
      out += std::to_string(normal(random)) + "," + std::to_string(normal(random)) + "," +
             (i % 2 ? "yes" : "no") + "," + kind + "\n";
    return out;
  }
  void versions(const std::string& text) { files.versions = write("versions.json", text); }
  std::string error() {
    const auto input = readReplay(files);
    return input ? "no error" : input.error().message;
  }
};

TEST_F(ReplayInputTest, VersionsOfTrainingFilesAreProfiledAndLearn) {
  versions(R"({"versions": [{"name": "v1", "kind": "A", "data": "a.csv"},
                            {"name": "v2", "kind": "B", "data": "b.csv", "context": "truck"}]})");
  files.serving = "v2";
  const auto input = readReplay(files);
  ASSERT_TRUE(input) << input.error().message;
  EXPECT_EQ(input->basis.features().size(), 2u) << "label and kind are no inputs";
  EXPECT_EQ(input->rows.size(), 40u);
  EXPECT_EQ(input->rows[0].kind, "A");
  ASSERT_EQ(input->versions.size(), 2u);
  EXPECT_EQ(input->versions[0].name, "v2") << "it serves first";
  EXPECT_EQ(input->versions[0].context, "truck");
  EXPECT_EQ(input->versions[0].profile->rows(), 40);
  EXPECT_TRUE(input->versions[0].error);
  EXPECT_TRUE(input->versions[0].reference);
}

TEST_F(ReplayInputTest, AListOfModelVersionsIsReadAsKubectlPrintsIt) {
  versions(R"({"versions": [{"name": "v1", "data": "a.csv"}]})");
  const auto first = readReplay(files);
  ASSERT_TRUE(first) << first.error().message;
  const drift::ProfileDocument document{first->basis, *first->versions[0].profile};
  const nlohmann::json list = {
      {"kind", "List"},
      {"items",
       {{{"metadata", {{"name", "fuel-1"}}}, {"spec", {{"profile", document.toJson()}}}}}}};
  versions(list.dump());
  const auto input = readReplay(files);
  ASSERT_TRUE(input) << input.error().message;
  EXPECT_EQ(input->versions[0].name, "fuel-1");
  EXPECT_EQ(input->basis.id(), first->basis.id());
  EXPECT_FALSE(input->versions[0].error);
  ASSERT_EQ(input->notes.size(), 1u);
  EXPECT_THAT(input->notes[0], HasSubstr("fuel-1"));
}

TEST_F(ReplayInputTest, AColumnOfAnswersGivesTheErrors) {
  std::string text = "x,z,y,kind,p\n";
  for (int i = 0; i < 20; ++i)
    text += std::to_string(i) + ",1,yes,A," + (i < 5 ? "no" : "yes") + "\n";
  files.rows = write("answers.csv", text);
  versions(R"({"versions": [{"name": "v1", "data": "a.csv", "predictions": "p",
                             "reference": {"error": 0.1, "rows": 50}}]})");
  const auto input = readReplay(files);
  ASSERT_TRUE(input) << input.error().message;
  EXPECT_EQ(input->basis.features().size(), 2u);
  EXPECT_EQ(input->versions[0].error(input->rows, 0), 1);
  EXPECT_EQ(input->versions[0].error(input->rows, 19), 0);
  EXPECT_EQ(input->versions[0].reference->mean, 0.1);
}

TEST_F(ReplayInputTest, WithoutVersionsTheFirstRowsMakeOne) {
  files.trainRows = 30;
  const auto input = readReplay(files);
  ASSERT_TRUE(input) << input.error().message;
  EXPECT_EQ(input->rows.size(), 10u);
  EXPECT_EQ(input->versions[0].profile->rows(), 30);
  EXPECT_EQ(input->versions[0].kind, "A");
  files.trainRows = 40;
  EXPECT_THAT(error(), HasSubstr("rows.csv: has 40 rows"));
}

TEST_F(ReplayInputTest, ErrorsNameFileAndLine) {
  files.rows = write("short.csv", "x,z,y,kind\n1,2,yes,A\n1,2\n");
  EXPECT_THAT(error(), HasSubstr("short.csv: line 3: has 2 fields"));
  files.rows = write("bad.jsonl", "{\"x\": 1, \"y\": 2}\n{\"x\": [1]}\n");
  EXPECT_THAT(error(), HasSubstr("bad.jsonl: line 2: 'x'"));
  files.rows = write("rows.parquet", "PAR1");
  EXPECT_THAT(error(), HasSubstr(".csv, .jsonl or .ndjson"));
  files.rows = (folder / "none.csv").string();
  EXPECT_THAT(error(), HasSubstr("none.csv: cannot be opened"));
}

TEST_F(ReplayInputTest, ErrorsOfTheVersionsFileNameTheField) {
  for (
      const auto& [text, expected] : std::vector<std::pair<const char*, const char*>>{
          {"{", "versions.json: is not JSON"},
          {"[]", "must be {\"versions\""},
          {R"({"versions": []})", "one version at least"},
          {R"({"versions": [{"data": "a.csv"}]})", "versions[0].name: is missing"},
          {R"({"versions": [{"name": "v1"}]})", "versions[0] ('v1'): has no profile"},
          {R"({"versions": [{"name": "v", "data": "a.csv"}, {"name": "v", "data": "a.csv"}]})",
           "versions[1].name: 'v' is there twice"},
          {R"({"versions": [{"name": "v", "profile": {}}]})", "versions[0].profile"},
          {R"({"versions": [{"name": "v", "data": "no.csv"}]})", "no.csv: cannot be opened"},
          {R"({"versions": [{"name": "v", "data": "a.csv", "predictions": "q"}]})",
           "has no column 'q' (versions[0].predictions)"},
          {R"({"versions": [{"name": "v", "data": "a.csv", "reference": {"error": -1, "rows": 3}}]})",
           "versions[0].reference"}}) {
    versions(text);
    EXPECT_THAT(error(), HasSubstr(expected)) << text;
  }
}

TEST_F(ReplayInputTest, ColumnsThatAreNotThereAreNamed) {
  files.label = "truth";
  EXPECT_THAT(error(), HasSubstr("has no column 'truth' (--label)"));
  files.label = "y";
  write("narrow.csv", "x,y\n1,yes\n2,no\n");
  versions(R"({"versions": [{"name": "v1", "data": "narrow.csv"}]})");
  EXPECT_THAT(error(), HasSubstr("narrow.csv: has no column 'z'"));
  versions(R"({"versions": [{"name": "v1", "data": "a.csv"}]})");
  files.serving = "v9";
  EXPECT_THAT(error(), HasSubstr("has no version 'v9' (--serving)"));
}

}  // namespace
}  // namespace reprise::cli
