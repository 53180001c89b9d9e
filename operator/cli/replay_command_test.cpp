#include "cli/replay_command.h"

#include <filesystem>
#include <fstream>
#include <random>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace reprise::cli {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

struct ReplayCommandTest : ::testing::Test {
  fs::path path =
      fs::temp_directory_path() / ("command-" + std::to_string(std::random_device{}()) + ".csv");
  std::string out, err;

  // A, B, A: 800 rows each, the label the opposite in B.
  ReplayCommandTest() {
    std::ofstream file(path);
    std::mt19937 random(3);
    std::normal_distribution<double> normal;
    file << "x,z,y,kind\n";
    for (int i = 0; i < 4000; ++i) {
      const bool b = i >= 1600 && i < 3200;
      const double x = normal(random);
      file << x + (b ? 6 : 0) << "," << normal(random) << "," << ((x > 0) != b ? "yes" : "no")
           << "," << (b ? "B" : "A") << "\n";
    }
  }
  ~ReplayCommandTest() override { fs::remove(path); }

  int run(std::vector<std::string> arguments) {
    CLI::App app{"test"};
    app.require_subcommand(1);
    Action chosen;
    addReplay(app, chosen);
    std::reverse(arguments.begin(), arguments.end());
    arguments.push_back("replay");
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    int code = 0;
    try {
      app.parse(arguments);
      code = chosen();
    } catch (const CLI::ParseError& error) {
      code = app.exit(error);
    }
    std::fflush(stdout);
    out = ::testing::internal::GetCapturedStdout();
    err = ::testing::internal::GetCapturedStderr();
    return code;
  }
};

TEST_F(ReplayCommandTest, PrintsTimelineAndScore) {
  ASSERT_EQ(run({path.string(), "--label", "y", "--kind", "kind", "--training-rows", "600",
                 "--training-takes", "800"}),
            0)
      << err;
  EXPECT_THAT(out, HasSubstr("Retrain"));
  EXPECT_THAT(out, HasSubstr("known kinds that came back: switched rightly         1 of 1"));
  EXPECT_THAT(out, HasSubstr("new kinds: taken for a known one                     0 of 1"));
  EXPECT_THAT(out, HasSubstr("blind-spot rows"));
}

TEST_F(ReplayCommandTest, ComparesAllPoliciesAsJson) {
  ASSERT_EQ(run({path.string(), "--label", "y", "--kind", "kind", "--training-rows", "600",
                 "--training-takes", "800", "--policy", "all", "-o", "json"}),
            0)
      << err;
  const auto json = nlohmann::json::parse(out);
  for (const auto* policy : {"never", "always", "switch", "oracle"})
    ASSERT_TRUE(json.contains(policy)) << policy;
  EXPECT_LT(json["switch"]["score"]["errorSum"], json["never"]["score"]["errorSum"]);
  EXPECT_LE(json["oracle"]["score"]["recoveryErrorSum"],
            json["switch"]["score"]["recoveryErrorSum"]);
  EXPECT_TRUE(json["never"]["timeline"].is_array());
}

TEST_F(ReplayCommandTest, RefusesWhatItCannotDo) {
  EXPECT_NE(run({path.string(), "--policy", "sometimes"}), 0);
  EXPECT_NE(run({path.string(), "--window", "1"}), 0);
  EXPECT_EQ(run({path.string(), "--label", "y", "--policy", "oracle"}), 2);
  EXPECT_THAT(err, HasSubstr("needs --kind"));
  EXPECT_EQ(run({path.string() + ".csv"}), 2);
  EXPECT_THAT(err, HasSubstr("cannot be opened"));
}

}  // namespace
}  // namespace reprise::cli
