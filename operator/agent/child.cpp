#include "agent/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "agent/files.h"

namespace reprise::agent {
namespace {

constexpr int kForwarded[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

struct Pipe {
  Fd read, write;
};

Expected<Pipe> makePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return fail(ErrorCode::Internal, "cannot make a pipe: " + errnoText(errno));
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

sigset_t watchedSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : kForwarded) sigaddset(&set, signal);
  sigaddset(&set, SIGCHLD);
  return set;
}

// Between fork and exec: only what POSIX calls async-signal-safe.
[[noreturn]] void becomeCommand(char* const* argv, int in, int out, int err, int startError) {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (in >= 0) ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  ::execvp(argv[0], argv);
  const int error = errno;
  [[maybe_unused]] const ssize_t n = ::write(startError, &error, sizeof error);
  ::_exit(127);
}

struct Started {
  pid_t pid = -1;
  Pipe out, err;
};

Expected<Started> start(const std::vector<std::string>& command, bool emptyStdin) {
  auto out = makePipe(), err = makePipe(), startError = makePipe();
  if (!out || !err || !startError)
    return fail(ErrorCode::Internal, "cannot make a pipe: too many open files");
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const Fd null(emptyStdin ? ::open("/dev/null", O_RDONLY | O_CLOEXEC) : -1);
  Started started;
  started.pid = ::fork();
  if (started.pid < 0) return fail(ErrorCode::Internal, "cannot fork: " + errnoText(errno));
  if (started.pid == 0) {
    becomeCommand(argv.data(), null.get(), out->write.get(), err->write.get(),
                  startError->write.get());
  }
  startError->write.reset();
  int error = 0;
  if (::read(startError->read.get(), &error, sizeof error) ==
      sizeof error) {  // closed by exec if all is well
    ::waitpid(started.pid, nullptr, 0);
    return fail(error == ENOENT ? ErrorCode::NotFound : ErrorCode::Forbidden, errnoText(error));
  }
  out->write.reset();
  err->write.reset();
  started.out = std::move(*out);
  started.err = std::move(*err);
  return started;
}

// Copies what is there from `from` to `to`; false at its end.
bool pass(Fd& from, int to, std::string& kept) {
  char buffer[1 << 14];
  const ssize_t n = ::read(from.get(), buffer, sizeof buffer);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (n <= 0) {
    from.reset();
    return false;
  }
  const std::string_view bytes(buffer, static_cast<std::size_t>(n));
  if (to >= 0) (void)writeAll(to, bytes, "output");
  kept.append(bytes);
  // Twice what is shown, so that the cut is made once in a while and not for each read.
  if (kept.size() > 8 * kTailBytes) kept.erase(0, kept.size() - 2 * kTailBytes);
  return true;
}

// Reaps whatever ended; true when the child itself did.
bool reap(pid_t child, int& status) {
  bool ended = false;
  for (int each = 0;;) {
    const pid_t pid = ::waitpid(-1, &each, WNOHANG);
    if (pid <= 0) return ended;
    if (pid == child) {
      status = each;
      ended = true;
    }
  }
}

// What a grandchild that holds the pipes open has written so far; it is not waited for.
void drain(Fd& from, int to, std::string& kept) {
  if (!from) return;
  ::fcntl(from.get(), F_SETFL, O_NONBLOCK);
  for (;;) {
    pollfd ready{from.get(), POLLIN, 0};
    if (::poll(&ready, 1, 0) <= 0 || !pass(from, to, kept)) return;
  }
}

int forwardSignals(const Fd& signals, pid_t child, int& status) {
  signalfd_siginfo info{};
  bool ended = false;
  while (::read(signals.get(), &info, sizeof info) == sizeof info) {
    const int signal = static_cast<int>(info.ssi_signo);
    if (signal == SIGCHLD)
      ended = reap(child, status) || ended;
    else if (!ended)
      ::kill(child, signal);
  }
  return ended;
}

}  // namespace

std::string lastLines(const std::string& text) {
  std::size_t end = text.size();
  while (end > 0 && (text[end - 1] == '\n' || text[end - 1] == '\r')) --end;
  const std::size_t least = end > kTailBytes ? end - kTailBytes : 0;
  std::size_t begin = end;
  for (std::size_t lines = 0; lines < kTailLines; ++lines) {
    const std::size_t newline =
        begin == 0 ? std::string::npos : text.rfind('\n', begin - (lines ? 2 : 1));
    const std::size_t start = newline == std::string::npos ? 0 : newline + 1;
    if (start < least) {
      // The first kept line may be one long line: better its end than nothing.
      return begin == end ? "…" + text.substr(least, end - least) : text.substr(begin, end - begin);
    }
    begin = start;
    if (begin < 2) break;
  }
  return text.substr(begin, end - begin);
}

Expected<ChildResult> runChild(const std::vector<std::string>& command) {
  const sigset_t watched = watchedSignals();
  sigset_t before;
  ::sigprocmask(SIG_BLOCK, &watched, &before);
  const Fd signals(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  auto started = start(command, false);
  if (!started) {
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    return tl::unexpected(started.error());
  }
  std::string kept;
  int status = 0;
  for (bool ended = false; !ended;) {
    pollfd ready[] = {
        {signals.get(), POLLIN, 0},
        {started->out.read.get(), POLLIN, 0},  // poll() passes over a descriptor of -1
        {started->err.read.get(), POLLIN, 0}};
    if (::poll(ready, 3, -1) < 0 && errno != EINTR) break;
    if (ready[1].revents) pass(started->out.read, STDOUT_FILENO, kept);
    if (ready[2].revents) pass(started->err.read, STDERR_FILENO, kept);
    if (ready[0].revents) ended = forwardSignals(signals, started->pid, status) != 0;
  }
  drain(started->out.read, STDOUT_FILENO, kept);
  drain(started->err.read, STDERR_FILENO, kept);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  ChildResult result;
  result.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  result.exitStatus = result.signal ? 128 + result.signal : WEXITSTATUS(status);
  result.tail = lastLines(kept);
  return result;
}

Expected<std::string> captureOutput(const std::vector<std::string>& command,
                                    std::chrono::seconds limit) {
  auto started = start(command, true);
  if (!started) return tl::unexpected(started.error());
  const auto deadline = std::chrono::steady_clock::now() + limit;
  std::string out, err;
  bool late = false;
  while (started->out.read || started->err.read) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd ready[] = {{started->out.read.get(), POLLIN, 0}, {started->err.read.get(), POLLIN, 0}};
    if (left.count() <= 0 || ::poll(ready, 2, static_cast<int>(left.count())) == 0) {
      late = true;
      ::kill(started->pid, SIGKILL);
      break;
    }
    if (ready[0].revents) {
      char buffer[1 << 14];
      const ssize_t n = ::read(started->out.read.get(), buffer, sizeof buffer);
      if (n > 0)
        out.append(buffer, static_cast<std::size_t>(n));
      else if (n == 0 || errno != EINTR)
        started->out.read.reset();
    }
    if (ready[1].revents) pass(started->err.read, -1, err);
  }
  int status = 0;
  ::waitpid(started->pid, &status, 0);
  if (late) {
    return fail(ErrorCode::Timeout,
                command[0] + " did not answer within " + std::to_string(limit.count()) + " s");
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return fail(ErrorCode::Internal, command[0] + " failed: " + lastLines(err));
  }
  return out;
}

std::optional<std::string> findProgram(const std::string& program) {
  const auto executable = [](const std::string& path) {
    struct stat info{};
    return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
           ::access(path.c_str(), X_OK) == 0;
  };
  if (program.find('/') != std::string::npos) {
    return executable(program) ? std::optional(program) : std::nullopt;
  }
  const char* path = std::getenv("PATH");
  std::string_view rest =
      path && *path ? path : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  while (!rest.empty()) {
    const auto colon = rest.find(':');
    const std::string candidate = std::string(rest.substr(0, colon)) + "/" + program;
    rest.remove_prefix(colon == rest.npos ? rest.size() : colon + 1);
    if (executable(candidate)) return candidate;
  }
  return std::nullopt;
}

std::string signalName(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

}  // namespace reprise::agent
