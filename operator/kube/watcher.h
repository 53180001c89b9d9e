// Follows one kind of objects: a full picture first, then each change, for ever. An explicit state
// machine:
//
//   Start ──► Streaming ──(initial events are through)──► Watching ──► Watching …   from the last
//   version seen
//     │           └─(server cannot)─► Listing ─(last page)──┘   │
//     ◄───── Gone, version unknown, time for a fresh picture ───┘
//
// Rules it keeps (client-go's): versions are opaque; bookmarks only advance the version; the
// synthetic events of a first watch are never resumed from; 410 as a status and in the stream both
// mean a new picture; the first page of a list is consistent and later ones carry no version; every
// watch ends by the server's time-out, or 5 s later by ours.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "json/view.h"
#include "kube/api_connection.h"
#include "kube/backoff.h"
#include "kube/http_client.h"
#include "kube/resource.h"
#include "kube/watch_sink.h"

namespace reprise::kube {

struct WatchTiming {
  Milliseconds watchMin{300'000}, watchMax{600'000};  // timeoutSeconds is drawn from between
  Milliseconds grace{5'000};                          // after which a silent watch is cut by us
  // The same for a streaming list until its initial events are through: then the server has much to
  // say, and nothing starts before it has.
  Milliseconds initialIdle{30'000};
  // A fresh consistent picture now and then (drawn from between the half and the whole): after a
  // restore of etcd versions go back, and a watch from a version of the future waits in silence.
  // Where the server's newest version shows it, at once: see confirm().
  Milliseconds freshEvery{3'600'000};
  Milliseconds backoffMin{800}, backoffMax{30'000};
  int pageSize = 500;
};

class Watcher {
 public:
  struct Scope {
    Resource resource;
    std::string ns;                            // "" = all
    std::string labelSelector, fieldSelector;  // as the API server takes them
  };
  enum class State { Start, Streaming, Listing, Watching };
  // How it waits and draws numbers, for tests. `sleep` returns early where the stop comes.
  struct Environment {
    std::shared_ptr<const Clock> clock = std::make_shared<SystemClock>();
    std::function<void(Milliseconds, std::stop_token)> sleep;  // none = really
    std::uint64_t seed = std::random_device()();
  };

  Watcher(ApiConnection& connection, Scope scope, WatchSink& sink, WatchTiming timing = {});
  Watcher(ApiConnection& connection, Scope scope, WatchSink& sink, WatchTiming timing,
          Environment environment);

  // Until the stop. Never returns for an error: it is told to the sink, and tried again after a
  // back-off.
  void run(std::stop_token stop);
  // One connection: a list with its pages, or a watch until it ends, and the waiting after it.
  void step(std::stop_token stop);

  State state() const { return state_; }
  const std::string& resourceVersion() const { return version_; }

 private:
  struct Page {
    JsonView items;
    std::string resourceVersion, next;  // next: "" on the last one
  };

  Expected<Page> page(const ListOptions& options, const std::string& next, JsonReader& reader,
                      std::stop_token stop);
  Expected<void> list(std::stop_token stop);
  Expected<void> watch(std::stop_token stop);
  Expected<void> confirm(std::stop_token stop);
  Expected<void> follow(http::ByteStream& stream, SteadyTime until, Milliseconds idle);
  Expected<void> event(const std::string& line);
  Expected<void> bookmark(const JsonView& object);
  Query watchQuery(Milliseconds timeout) const;
  void restart();
  void failed(const Error& error, std::stop_token stop);
  Milliseconds draw(Milliseconds from, Milliseconds to);

  ApiConnection& connection_;
  const Scope scope_;
  WatchSink& sink_;
  const WatchTiming timing_;
  const Environment environment_;
  std::mt19937_64 random_;
  Backoff backoff_;
  JsonReader reader_;
  State state_ = State::Start;
  bool canStream_ = true;  // until it is seen that it cannot
  std::string version_;    // to resume from; only in state Watching
  bool doubted_ = false;   // a connection broke since: whether the server still is where we are
  SteadyTime freshAt_{};
};

}  // namespace reprise::kube
