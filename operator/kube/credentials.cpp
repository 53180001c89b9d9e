#include "kube/credentials.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include <spdlog/spdlog.h>

namespace reprise::kube {
namespace {

class Fixed final : public Credentials {
 public:
  explicit Fixed(std::string header) : header_(std::move(header)) {}
  Expected<std::string> authorization() override { return header_; }

 private:
  const std::string header_;
};

class TokenFile final : public Credentials {
 public:
  TokenFile(std::string path, std::shared_ptr<const Clock> clock)
      : path_(std::move(path)), clock_(std::move(clock)) {}

  Expected<std::string> authorization() override {
    std::lock_guard lock(mutex_);
    const SteadyTime now = clock_->steady();
    if (!header_.empty() && !stale_ && now - readAt_ < std::chrono::minutes(1)) return header_;
    auto token = read();
    if (!token && header_.empty()) return tl::unexpected(token.error());
    if (token)
      header_ = "Bearer " + *token;
    else
      spdlog::warn("the last token is kept: {}", token.error().message);
    readAt_ = now;
    stale_ = false;
    return header_;
  }

  void refused(const std::string& header) override {
    std::lock_guard lock(mutex_);
    if (header == header_) stale_ = true;  // else it is another one already
  }

 private:
  Expected<std::string> read() const {
    auto token = readFile(path_);
    if (!token) return token;
    while (!token->empty() && std::isspace(static_cast<unsigned char>(token->back())))
      token->pop_back();
    if (token->empty())
      return fail(ErrorCode::InvalidArgument,
                  path_ + ": the token file is empty; write a token into it");
    return token;
  }

  const std::string path_;
  const std::shared_ptr<const Clock> clock_;
  std::mutex mutex_;
  std::string header_;
  SteadyTime readAt_{};
  bool stale_ = false;
};

}  // namespace

std::shared_ptr<Credentials> fixedCredentials(std::string header) {
  return std::make_shared<Fixed>(std::move(header));
}

std::shared_ptr<Credentials> tokenFileCredentials(std::string path,
                                                  std::shared_ptr<const Clock> clock) {
  return std::make_shared<TokenFile>(std::move(path), std::move(clock));
}

Expected<std::string> readFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream out;
  if (file) out << file.rdbuf();
  if (!file) {
    return fail(ErrorCode::InvalidArgument, path + ": cannot be read: " + std::strerror(errno));
  }
  return out.str();
}

}  // namespace reprise::kube
