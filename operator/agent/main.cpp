// reprise-agent: what runs inside of Pods. One static program, so that it runs in images of any
// distribution.
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include <CLI/CLI.hpp>

#include "agent/entry.h"
#include "agent/fetch.h"
#include "agent/install.h"
#include "agent/monitor_command.h"
#include "agent/publish.h"
#include "agent/verify.h"
#include "http/beast_transport.h"
#include "kube/config.h"
#include "kube/http_client.h"

namespace reprise::agent {
namespace {

constexpr const char* kTerminationLog = "/dev/termination-log";
constexpr int kUsage = 64;  // EX_USAGE of sysexits.h

void sleepFor(Milliseconds duration) { std::this_thread::sleep_for(duration); }

// Process 1 of a container ignores a signal that it has no handler for: the Pod would take 30 s to
// end.
void endOnSignals() {
  for (const int signal : {SIGTERM, SIGINT}) {
    std::signal(signal, [](int which) { ::_exit(128 + which); });
  }
}

std::string fromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// The API server of the cluster that this Pod is in, held together for as long as the client is
// used.
struct InCluster final {
  explicit InCluster(kube::Access access)
      : connection(std::move(access), http::makeBeastTransport), client(connection) {}
  kube::ApiConnection connection;
  kube::HttpClient client;
};

Expected<std::shared_ptr<kube::Client>> connectInCluster() {
  auto access = kube::inClusterAccess();
  if (!access) return tl::unexpected(access.error());
  auto both = std::make_shared<InCluster>(std::move(*access));
  return std::shared_ptr<kube::Client>(both, &both->client);
}

std::string podName() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return *name ? name : "pod";
}

// Each subcommand: its flags, and what it does with them.
class Program {
 public:
  Program() {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", REPRISE_VERSION);
    addInstall();
    addEntry();
    addPublish();
    addFetch();
    addVerify();
    addMonitor(
        *app_.add_subcommand("monitor", "stand in front of a model server and sketch its requests"),
        monitor_);
  }

  int run(std::vector<std::string> words) {
    const std::string log = ::access(kTerminationLog, W_OK) == 0 ? kTerminationLog : "";
    // What stands behind "--" is the user's: it is handed on word by word, whatever it looks like.
    if (const auto mark = std::find(words.begin(), words.end(), "--"); mark != words.end()) {
      entry_.command.assign(mark + 1, words.end());
      words.erase(mark, words.end());
    }
    std::reverse(words.begin(), words.end());  // as the library wants them
    try {
      app_.parse(std::move(words));
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) return app_.exit(error);  // --help, --version
      return report(
          ended("Usage", std::string(error.what()) + "; see reprise-agent --help", kUsage), log);
    }
    try {
      return report(dispatch(), log);
    } catch (const std::exception& error) {
      return report(
          ended("InternalError", std::string("a bug of reprise-agent: ") + error.what(), 70), log);
    }
  }

 private:
  Ending dispatch() {
    const std::string name = app_.get_subcommands().front()->get_name();
    if (name == "install") return install("/proc/self/exe", installTo_);
    if (name == "entry") return entry();
    if (name == "monitor") return runMonitorCommand(monitor_);
    endOnSignals();
    if (name == "publish") return publish(publish_, connectInCluster, {clock_, sleepFor});
    if (name == "fetch") return fetch(fetch_);
    const auto timeout = parseDuration(timeout_);
    if (!timeout) return ended("Usage", "--timeout: " + timeout.error().message, kUsage);
    verify_.timeout = *timeout;
    return verify(verify_, *http::makeBeastTransport(), clock_, sleepFor);
  }

  Ending entry() {
    entry_.output = fromEnvironment("REPRISE_OUTPUT_DIR");
    if (entry_.output.empty())
      return ended("Usage", "REPRISE_OUTPUT_DIR is not set; name the output directory in it",
                   kUsage);
    return runEntry(entry_);
  }

  void addInstall() {
    CLI::App* command = app_.add_subcommand("install", "copy this program into the Pod's volume");
    command->add_option("--to", installTo_, "directory")->required();
  }

  void addEntry() {
    CLI::App* command = app_.add_subcommand(
        "entry", "run a step: -- command args…; output goes to $REPRISE_OUTPUT_DIR");
    command->add_option("--step", entry_.step, "name of the step, for messages")->required();
    command->add_option("--environment-in-force", entry_.environmentInForce,
                        "environment.json to compare with");
    command->add_option("--expect-python", entry_.expectPython, "refuse another Python: 3.11");
    command->add_option("--expect-packages", entry_.expectPackages,
                        "refuse other packages: a requirements file with ==");
  }

  void addPublish() {
    CLI::App* command =
        app_.add_subcommand("publish", "store what a run made, and record it as a ModelVersion");
    command->add_option("--input", publish_.input, "directory with run.json")->required();
    command->add_option("--output", publish_.output, "directory that the steps wrote into")
        ->required();
    command->add_option("--store", publish_.store, "directory of artifacts")->required();
    publish_.writer = podName();
    publish_.context = fromEnvironment("REPRISE_CONTEXT");
  }

  void addFetch() {
    CLI::App* command = app_.add_subcommand(
        "fetch", "unpack an artifact whose bytes are those that were published");
    command->add_option("--store", fetch_.store, "directory of artifacts")->required();
    command->add_option("--sha256", fetch_.sha256, "of the artifact")->required();
    command->add_option("--to", fetch_.to, "directory that is made")->required();
  }

  void addVerify() {
    CLI::App* command = app_.add_subcommand(
        "verify", "hand on metrics, and ask a model server the golden requests");
    command->add_option("--metrics", verify_.metrics, "metrics.json")->required();
    command->add_option("--url", verify_.url, "of the model server: http://127.0.0.1:8080");
    command->add_option("--protocol", verify_.protocol, "of the model server")
        ->check(CLI::IsMember({"v2", "v1", "json"}));
    command->add_option("--model", verify_.model, "as the server names it");
    command->add_option("--examples", verify_.examples, "examples.jsonl");
    command->add_option("--timeout", timeout_, "until the server must have answered");
  }

  CLI::App app_{"reprise-agent: what Reprise runs inside of Pods", "reprise-agent"};
  SystemClock clock_;
  std::string installTo_, timeout_ = "120s";
  EntryOptions entry_;
  PublishOptions publish_;
  FetchOptions fetch_;
  VerifyOptions verify_;
  MonitorFlags monitor_;
};

}  // namespace
}  // namespace reprise::agent

int main(int argc, char** argv) { return reprise::agent::Program().run({argv + 1, argv + argc}); }
