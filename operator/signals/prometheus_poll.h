// Asks each ModelDeployment's query of its Prometheus, again and again, on threads of its own.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/http.h"
#include "base/time.h"

namespace reprise::signals {

struct PrometheusTarget {
  std::string serverAddress, query, caPem;
  std::string secretNamespace, secretName, secretKey;  // of the bearer token; name "": none
  Milliseconds interval{30'000};
  bool operator==(const PrometheusTarget&) const = default;
};

struct PrometheusView {
  bool asked = false;           // an answer, or an error, is there
  std::optional<double> value;  // of the last answer; nothing after an error
  std::string reason, message;  // of the error
};

class PrometheusPoll {
 public:
  // Text of a Secret's key. An error's message names the Secret and the mend; its code is NotFound,
  // Forbidden or another. Called on the poll's threads.
  using Secret = std::function<Expected<std::string>(const std::string& ns, const std::string& name,
                                                     const std::string& key)>;
  struct Hooks {
    Secret secret;
    // The value or the error of that owner is another one. Called on the poll's threads.
    std::function<void(const std::string& owner)> changed;
    // One query ended: "ok", or the reason of the error.
    std::function<void(const std::string& result)> counted;
  };

  // `transports` must not follow redirections: a token would go with them.
  PrometheusPoll(http::TransportFactory transports, const Clock& clock, Hooks hooks);
  ~PrometheusPoll();
  void start();
  void stop();
  // Asks all that are due, on the calling thread, for tests. How many.
  int step(std::stop_token stop = {});

  // What one owner ("namespace/name") asks now; nothing: it asks no more.
  void watch(const std::string& owner, const std::optional<PrometheusTarget>& target);
  PrometheusView view(const std::string& owner) const;

  static constexpr Milliseconds kDeadline{5'000};     // of one query
  static constexpr std::size_t kMaxAnswer = 1 << 20;  // bytes

 private:
  struct Known {
    PrometheusTarget target;
    PrometheusView view;
    SteadyTime due;
    bool underWay = false;
  };
  bool askOne(std::stop_token stop);
  PrometheusView ask(const PrometheusTarget& target, std::stop_token stop) const;
  Expected<http::Request> requestOf(const PrometheusTarget& target) const;
  void run(std::stop_token stop);

  const http::TransportFactory transports_;
  const Clock& clock_;
  const Hooks hooks_;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::map<std::string, Known> owners_;
  std::vector<std::jthread> threads_;
};

}  // namespace reprise::signals
