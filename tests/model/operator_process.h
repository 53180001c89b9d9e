// The operator as one process: the real caches, controllers and actor over the API server in
// memory, with each watch, poll and worker moved by hand. Destroying it is kill -9: all that it
// remembers is lost.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controllers/caches.h"
#include "controllers/serving_controller.h"
#include "controllers/training_controller.h"
#include "controllers/version_controller.h"
#include "controllers/wakeups.h"
#include "model/world.h"
#include "registry/image_watch.h"
#include "runtime/actor.h"
#include "signals/monitor_poll.h"
#include "signals/shadow_scores.h"

namespace reprise::model {

// One safeguard switched off, to show that the test notices.
enum class Mutant {
  None,
  NoReadYourWrites,
  NoStatusPrecondition,
  NoUidPrecondition,
  NoWaitForSync,
  StaleReread
};

class OperatorProcess {
 public:
  // `pictureOf`: the version of the store that each cache's first list shows, from an API server
  // that lags; none = now.
  OperatorProcess(
      World& world, Mutant mutant,
      std::function<std::optional<std::uint64_t>(const kube::Resource&)> pictureOf = {});
  OperatorProcess(const OperatorProcess&) = delete;

  static constexpr std::size_t kFeeds = 9;
  static constexpr std::size_t kControllers = 3;

  // At most `limit` events of one watch; the first time it lists, and again where the history was
  // compacted.
  void deliver(std::size_t feed, std::size_t limit);
  // A whole new picture: every event since the last one that another one overtook is never seen.
  void relist(std::size_t feed);
  bool upToDate() const;
  void deliverAll();
  // One key of one controller. False where it had none that is ready, or a cache has not synced
  // yet.
  bool work(std::size_t controller);
  void pollImages();
  void pollMonitors() {
    monitors_.step();
    shadows_.step();
  }
  // Every object is looked at again, as a resync does.
  void lookAtAll();

  std::size_t events() const { return events_.count; }

 private:
  class Client;
  struct CountedEvents final : runtime::EventSink {
    std::size_t count = 0;
    void record(const runtime::Subject&, const api::EventDraft&) override { ++count; }
  };
  // `owner`: "namespace/name" of a ModelDeployment.
  void wake(const std::string& owner) {
    const auto slash = owner.find('/');
    serving_.enqueue({owner.substr(0, slash), owner.substr(slash + 1)});
  }
  struct Feed {
    const kube::Resource* kind;
    bool ours;  // only what carries our label
    kube::WatchSink* sink;
    std::optional<std::uint64_t> version;  // none: not listed yet
  };
  bool synced() const;
  void list(Feed& feed, std::uint64_t version);
  std::string cachedVersion(const kube::Resource&, const std::string& ns,
                            const std::string& name) const;
  runtime::Controller::Options options(const char* name) const;
  runtime::Controller::Hooks hooks(runtime::Controller::Hooks real) const;

  World& world_;
  const Mutant mutant_;
  const std::function<std::optional<std::uint64_t>(const kube::Resource&)> pictureOf_;
  controllers::Caches caches_{""};
  runtime::CacheSet seen_;
  CountedEvents events_;
  std::unique_ptr<kube::Client> client_;
  runtime::Actor actor_;
  std::shared_ptr<http::Transport> network_;
  registry::OciRegistry registry_;
  registry::ImageWatch images_;
  signals::MonitorPoll monitors_;
  signals::ShadowScores shadows_;
  signals::PrometheusPoll prometheus_;
  signals::Inbox inbox_;
  controllers::Secrets secrets_;
  controllers::Context context_;
  runtime::Controller training_, versions_, serving_;
  std::array<runtime::Controller*, kControllers> controllers_{&training_, &versions_, &serving_};
  std::vector<Feed> feeds_;
};

}  // namespace reprise::model
