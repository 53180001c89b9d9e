// Leader election over a Lease, with client-go's times and two rules of its own: another holder's
// lease is judged only by changes seen here, on our steady clock (never by the times somebody wrote
// into it), and our own is counted from when the renewing request was *sent*.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "base/time.h"
#include "kube/client.h"
#include "runtime/runnable.h"

namespace reprise::runtime {

class Elector final : public Runnable {
 public:
  struct Options {
    std::string ns, name;  // of the Lease
    std::string identity;  // unique for this process: the Pod's name and something random
    Milliseconds leaseDuration{15'000};
    Milliseconds renewDeadline{10'000};  // < leaseDuration: we stop before anybody else starts
    Milliseconds retryPeriod{2'000};
    double jitter = 1.2;  // a wait is retryPeriod * (1 + jitter * [0, 1))
  };
  struct Callbacks {
    std::function<void()> onElected;  // once, on the elector's thread
    // The lease is lost, or was not renewed in time. Called once, from whichever thread saw it.
    // Must end the process: whatever a worker still has in its hands would be a write of an
    // ex-leader.
    std::function<void(const std::string& why)> onLost;
  };

  Elector(kube::Client& client, const Clock& clock, Options options, Callbacks callbacks,
          std::function<double()> random01);
  ~Elector() override;

  // Starts the thread that elects and renews, and the watchdog beside it: a request that hangs
  // cannot hide that the lease ran out.
  std::string name() const override { return "leader election"; }
  void start() override;
  // Orderly end: stops both threads and gives the lease up, so that a successor need not wait it
  // out. Last of all, when nothing of this process writes any more.
  bool stop() override;

  // To be asked right before each write.
  bool leads() const;

  // One attempt to acquire or renew; what the thread does every retryPeriod. True while this
  // process holds the lease.
  bool attempt();
  // One look at the deadline; what the watchdog does. False once the lease was lost.
  bool checkDeadline();
  std::string holder() const;  // whom the last look at the Lease saw; "" = nobody

 private:
  Expected<nlohmann::json> writeLease(const nlohmann::json* seen);
  bool heldByAnother(const nlohmann::json& lease);
  void won(SteadyTime sent, nlohmann::json lease);
  void lost(const std::string& why);
  void release();
  void electLoop();
  void watchLoop();
  Milliseconds nextWait();
  bool sleep(Milliseconds time);  // false when stopped

  kube::Client& client_;
  const Clock& clock_;
  const Options options_;
  const Callbacks callbacks_;
  const std::function<double()> random01_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  nlohmann::json observed_;  // the Lease as it was seen last; only ever compared for a change
  SteadyTime observedAt_{};  // when that change was seen
  std::atomic<bool> leading_ = false, lost_ = false;
  std::atomic<std::int64_t> renewedAt_ =
      0;  // steady, ns: when the last request that succeeded was sent
  std::thread electThread_, watchThread_;
};

}  // namespace reprise::runtime
