#include "kube/exec_plugin.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "kube/json_text.h"

extern char** environ;

namespace reprise::kube {
namespace {

constexpr std::size_t kMaxOutput = std::size_t{1} << 20;

struct Output {
  std::string out, err;
  int status = 0;
  bool timedOut = false;
};

// Reads both until they are closed, or the deadline.
bool drain(int out, int err, Output& into, SteadyTime until, const Clock& clock) {
  std::array<pollfd, 2> polls{pollfd{out, POLLIN, 0}, pollfd{err, POLLIN, 0}};
  std::array<std::string*, 2> texts{&into.out, &into.err};
  while (polls[0].fd >= 0 || polls[1].fd >= 0) {
    const auto left = std::chrono::duration_cast<Milliseconds>(until - clock.steady()).count();
    if (left <= 0 || into.out.size() > kMaxOutput || into.err.size() > kMaxOutput) return false;
    if (poll(polls.data(), polls.size(), static_cast<int>(left)) < 0 && errno != EINTR)
      return false;
    for (std::size_t i = 0; i < polls.size(); ++i) {
      if (polls[i].fd < 0 || !polls[i].revents) continue;
      char chunk[4096];
      const ssize_t size = read(polls[i].fd, chunk, sizeof chunk);
      if (size > 0)
        texts[i]->append(chunk, static_cast<std::size_t>(size));
      else if (size == 0 || errno != EINTR)
        polls[i].fd = -1;
    }
  }
  return true;
}

std::vector<std::string> environmentOf(const ExecPlugin& plugin) {
  std::vector<std::string> out;
  for (char** one = environ; *one; ++one) out.emplace_back(*one);
  for (const auto& [name, value] : plugin.env) {
    std::erase_if(out, [&](const std::string& one) { return one.rfind(name + "=", 0) == 0; });
    out.push_back(name + "=" + value);
  }
  const nlohmann::json info = {{"apiVersion", plugin.apiVersion},
                               {"kind", "ExecCredential"},
                               {"spec", {{"interactive", false}}}};
  out.push_back("KUBERNETES_EXEC_INFO=" + info.dump());
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

Expected<Output> run(const ExecPlugin& plugin, const Clock& clock) {
  int out[2], err[2];
  if (pipe2(out, O_CLOEXEC) != 0)
    return fail(ErrorCode::Internal, plugin.where + ": pipe: " + std::strerror(errno));
  if (pipe2(err, O_CLOEXEC) != 0) {
    const int error = errno;
    close(out[0]), close(out[1]);
    return fail(ErrorCode::Internal, plugin.where + ": pipe: " + std::strerror(error));
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  posix_spawn_file_actions_adddup2(&actions, err[1], 2);
  std::vector<std::string> argv{plugin.command};
  argv.insert(argv.end(), plugin.args.begin(), plugin.args.end());
  auto env = environmentOf(plugin);
  pid_t pid = 0;
  const int failed = posix_spawnp(&pid, plugin.command.c_str(), &actions, nullptr,
                                  pointers(argv).data(), pointers(env).data());
  posix_spawn_file_actions_destroy(&actions);
  close(out[1]), close(err[1]);
  Output output;
  if (failed == 0) {
    output.timedOut = !drain(out[0], err[0], output, clock.steady() + plugin.deadline, clock);
    if (output.timedOut) kill(pid, SIGKILL);
    while (waitpid(pid, &output.status, 0) < 0 && errno == EINTR) {
    }
  }
  close(out[0]), close(err[0]);
  if (failed != 0) {
    return fail(ErrorCode::InvalidArgument,
                plugin.where + ".command: " + plugin.command +
                    " cannot be started: " + std::strerror(failed) +
                    (plugin.installHint.empty() ? "; install it" : "; " + plugin.installHint));
  }
  return output;
}

class Exec final : public Credentials {
 public:
  Exec(ExecPlugin plugin, std::shared_ptr<const Clock> clock)
      : plugin_(std::move(plugin)), clock_(std::move(clock)) {}

  Expected<std::string> authorization() override {
    std::lock_guard lock(mutex_);
    if (auto got = refresh(); !got) return tl::unexpected(got.error());
    return header_;
  }
  Expected<std::pair<std::string, std::string>> certificate() override {
    std::lock_guard lock(mutex_);
    if (auto got = refresh(); !got) return tl::unexpected(got.error());
    return certificate_;
  }
  void refused(const std::string& header) override {
    std::lock_guard lock(mutex_);
    if (header == header_) valid_ = false;
  }

 private:
  Expected<void> refresh() {
    if (valid_ && (!expires_ || clock_->now() < *expires_)) return {};
    auto output = run(plugin_, *clock_);
    if (!output) return tl::unexpected(output.error());
    const std::string name = plugin_.where + ": " + plugin_.command;
    if (output->timedOut)
      return fail(ErrorCode::Timeout,
                  name + " did not end within " + formatDuration(plugin_.deadline));
    if (!WIFEXITED(output->status) || WEXITSTATUS(output->status) != 0) {
      return fail(ErrorCode::Unavailable, name + " failed: " + output->err.substr(0, 500));
    }
    return take(nlohmann::json::parse(output->out, nullptr, false), name);
  }

  Expected<void> take(const nlohmann::json& credential, const std::string& name) {
    const auto& status = at(credential, "status");
    const std::string token = text(status, "token"),
                      certificate = text(status, "clientCertificateData");
    if (token.empty() && certificate.empty()) {
      return fail(ErrorCode::Unavailable, name +
                                              ": its output is no ExecCredential with status.token "
                                              "or status.clientCertificateData");
    }
    header_ = token.empty() ? "" : "Bearer " + token;
    certificate_ = {certificate, text(status, "clientKeyData")};
    expires_.reset();
    if (const std::string until = text(status, "expirationTimestamp"); !until.empty()) {
      const auto time = parseTime(until);
      if (!time)
        return fail(ErrorCode::Unavailable,
                    name + ": status.expirationTimestamp: " + time.error().message);
      expires_ = *time;
    }
    valid_ = true;
    return {};
  }

  const ExecPlugin plugin_;
  const std::shared_ptr<const Clock> clock_;
  std::mutex mutex_;
  std::string header_;
  std::pair<std::string, std::string> certificate_;
  std::optional<Time> expires_;
  bool valid_ = false;
};

}  // namespace

std::shared_ptr<Credentials> execCredentials(ExecPlugin plugin,
                                             std::shared_ptr<const Clock> clock) {
  return std::make_shared<Exec>(std::move(plugin), std::move(clock));
}

}  // namespace reprise::kube
