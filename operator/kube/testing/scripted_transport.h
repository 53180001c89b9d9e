// A Transport that plays what a test has written: each request takes the next answer of the script.
// Streams can be left open; then they end only by the stop. Every request is kept. A request beyond
// the script fails as Connect.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/http.h"

namespace reprise::kube::testing {

struct Answer {
  int status = 200;
  std::string body;
  http::Headers headers;
  // After the body: an orderly end, or this.
  std::optional<http::TransportError> broken;
  // Called when the request comes and when the stream's body has been read: to move a clock.
  std::function<void()> onRequest, onEnd;
  std::size_t chunk = 7;  // bytes a read: no line comes whole
};

class ScriptedTransport final : public http::Transport {
 public:
  void then(Answer answer) { script_.push_back(std::move(answer)); }

  tl::expected<http::Response, http::TransportError> send(const http::Request& request,
                                                          std::chrono::milliseconds,
                                                          std::stop_token stop,
                                                          std::size_t) override {
    auto answer = take(request, stop);
    if (!answer) return tl::unexpected(answer.error());
    if (answer->broken) return tl::unexpected(*answer->broken);
    return http::Response{answer->status, answer->headers, answer->body};
  }

  tl::expected<std::unique_ptr<http::ByteStream>, http::TransportError> openStream(
      const http::Request& request, std::chrono::milliseconds idle, std::stop_token stop) override {
    idles.push_back(idle);
    auto answer = take(request, stop);
    if (!answer) return tl::unexpected(answer.error());
    return std::make_unique<Stream>(std::move(*answer), idles);
  }

  std::vector<http::Request> requests;
  std::vector<std::chrono::milliseconds> idles;  // of each stream as it was opened, or set later
  bool done() const { return script_.empty(); }

 private:
  class Stream final : public http::ByteStream {
   public:
    Stream(Answer answer, std::vector<std::chrono::milliseconds>& idles)
        : answer_(std::move(answer)), idles_(idles) {}
    int status() const override { return answer_.status; }
    std::string header(const std::string& name) const override {
      return http::Response{answer_.status, answer_.headers, {}}.header(name);
    }
    tl::expected<std::size_t, http::TransportError> read(std::span<char> into) override {
      const std::size_t size = std::min({answer_.chunk, answer_.body.size() - at_, into.size()});
      answer_.body.copy(into.data(), size, at_);
      at_ += size;
      if (size > 0) return size;
      if (answer_.onEnd) answer_.onEnd();
      if (answer_.broken) return tl::unexpected(*answer_.broken);
      return 0;
    }
    void setIdle(std::chrono::milliseconds idle) override { idles_.push_back(idle); }

   private:
    Answer answer_;
    std::vector<std::chrono::milliseconds>& idles_;
    std::size_t at_ = 0;
  };

  tl::expected<Answer, http::TransportError> take(const http::Request& request,
                                                  const std::stop_token& stop) {
    using Kind = http::TransportError::Kind;
    if (stop.stop_requested())
      return tl::unexpected(http::TransportError{Kind::Cancelled, Sent::No, "stopped"});
    requests.push_back(request);
    if (script_.empty())
      return tl::unexpected(
          http::TransportError{Kind::Connect, Sent::No, "the script is at its end"});
    Answer answer = std::move(script_.front());
    script_.pop_front();
    if (answer.onRequest) answer.onRequest();
    return answer;
  }

  std::deque<Answer> script_;
};

}  // namespace reprise::kube::testing
