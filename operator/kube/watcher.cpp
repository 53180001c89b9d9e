#include "kube/watcher.h"

#include <condition_variable>
#include <mutex>

#include <spdlog/spdlog.h>

#include "kube/line_reader.h"
#include "kube/status.h"

namespace reprise::kube {
namespace {

// client-go's mark at the end of the first events of a streaming list.
constexpr const char* kInitialEnd = "k8s.io/initial-events-end";
// A watch that the server ends sooner than this is something wrong (it restarts, or sheds load).
constexpr Milliseconds kVeryShort{1'000};

void sleepReally(Milliseconds time, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
}

std::string versionOf(const JsonView& object) {
  return object.at("metadata").text("resourceVersion");
}

// Versions are opaque but for this: where both are decimal numbers they can be compared.
bool older(const std::string& version, const std::string& than) {
  const auto decimal = [](const std::string& one) {
    return !one.empty() && one.find_first_not_of("0123456789") == std::string::npos;
  };
  if (!decimal(version) || !decimal(than)) return false;
  return version.size() != than.size() ? version.size() < than.size() : version < than;
}

}  // namespace

Watcher::Watcher(ApiConnection& connection, Scope scope, WatchSink& sink, WatchTiming timing)
    : Watcher(connection, std::move(scope), sink, timing, Environment()) {}

Watcher::Watcher(ApiConnection& connection, Scope scope, WatchSink& sink, WatchTiming timing,
                 Environment environment)
    : connection_(connection),
      scope_(std::move(scope)),
      sink_(sink),
      timing_(timing),
      environment_(std::move(environment)),
      random_(environment_.seed),
      backoff_(timing.backoffMin, timing.backoffMax) {}

void Watcher::run(std::stop_token stop) {
  while (!stop.stop_requested()) step(stop);
}

void Watcher::step(std::stop_token stop) {
  if (state_ == State::Watching && environment_.clock->steady() >= freshAt_) restart();
  if (state_ == State::Start) {
    state_ = canStream_ ? State::Streaming : State::Listing;
    freshAt_ = environment_.clock->steady() + draw(timing_.freshEvery / 2, timing_.freshEvery);
  }
  const bool doubted = doubted_ && state_ == State::Watching;
  const auto done = doubted ? confirm(stop) : state_ == State::Listing ? list(stop) : watch(stop);
  if (!done && !stop.stop_requested()) failed(done.error(), stop);
}

void Watcher::restart() {
  state_ = State::Start;
  version_.clear();
  doubted_ = false;
}

Milliseconds Watcher::draw(Milliseconds from, Milliseconds to) {
  return Milliseconds{
      std::uniform_int_distribution<std::int64_t>(from.count(), to.count())(random_)};
}

// What is next after an error: a version that the server does not have (any more) means a new
// picture; a broken connection is resumed; all are waited for.
void Watcher::failed(const Error& error, std::stop_token stop) {
  if (state_ == State::Streaming && error.code == ErrorCode::Invalid) {
    spdlog::info("{}: the API server has no streaming lists, lists are used: {}",
                 scope_.resource.plural, error.message);
    canStream_ = false;
    restart();
    return;
  }
  spdlog::warn("{}: {}", scope_.resource.plural, error.message);
  sink_.failed(error);
  // Something in between that holds streams back would stall the next one as well.
  if (state_ == State::Streaming && error.code == ErrorCode::Timeout) canStream_ = false;
  if (error.code == ErrorCode::Unavailable) doubted_ = true;
  if (state_ != State::Watching || error.code == ErrorCode::Gone) restart();
  Milliseconds wait = backoff_.next(environment_.clock->steady(), random_);
  if (error.retryAfter) wait = std::max(wait, *error.retryAfter);
  if (environment_.sleep)
    environment_.sleep(wait, stop);
  else
    sleepReally(wait, stop);
}

// A page of what is followed, its items and where it goes on; `reader` holds it.
Expected<Watcher::Page> Watcher::page(const ListOptions& options, const std::string& next,
                                      JsonReader& reader, std::stop_token stop) {
  const auto body = listPage(connection_, scope_.resource, scope_.ns, options, next, stop);
  if (!body) return tl::unexpected(body.error());
  const auto read = reader.read(*body);
  const JsonView meta = read ? read->at("metadata") : JsonView();
  Page out{read ? read->at("items") : JsonView(), meta.text("resourceVersion"),
           meta.text("continue")};
  if (out.resourceVersion.empty() || !out.items.isArray()) {
    return fail(ErrorCode::Unavailable,
                "list " + scope_.resource.plural + ": the answer is no list (" +
                    std::to_string(body->size()) +
                    " bytes; metadata.resourceVersion or items are missing)");
  }
  return out;
}

Expected<void> Watcher::list(std::stop_token stop) {
  ListOptions options{scope_.labelSelector, scope_.fieldSelector, timing_.pageSize};
  JsonReader reader;  // its own: pages are large
  sink_.begin();
  std::string next, version;
  do {
    auto got = page(options, next, reader, stop);
    if (!got && got.error().code == ErrorCode::Gone && !next.empty()) {
      // The pages have expired while we read them. All at once cannot.
      sink_.begin();
      options.pageSize = 0;
      got = page(options, {}, reader, stop);
    }
    if (!got) return tl::unexpected(got.error());
    for (const JsonView& item : got->items.items()) sink_.apply(item);
    next = got->next;
    version = got->resourceVersion;
  } while (!next.empty());
  sink_.end();
  sink_.connected();
  version_ = version;
  state_ = State::Watching;
  return {};
}

// After a broken connection the API server may be one whose etcd was restored from an older state.
// A watch from a version of the future would wait in silence: so the newest one is asked for.
Expected<void> Watcher::confirm(std::stop_token stop) {
  const auto newest = page({scope_.labelSelector, scope_.fieldSelector, 1}, {}, reader_, stop);
  if (!newest) return tl::unexpected(newest.error());
  doubted_ = false;
  if (older(newest->resourceVersion, version_)) {
    spdlog::warn(
        "{}: the API server is at version {}, before {}: it was restored; all is read anew",
        scope_.resource.plural, newest->resourceVersion, version_);
    restart();
  }
  return {};
}

Query Watcher::watchQuery(Milliseconds timeout) const {
  Query query{{"watch", "true"},
              {"allowWatchBookmarks", "true"},
              {"timeoutSeconds", std::to_string(timeout / std::chrono::seconds(1))}};
  if (!scope_.labelSelector.empty()) query.emplace_back("labelSelector", scope_.labelSelector);
  if (!scope_.fieldSelector.empty()) query.emplace_back("fieldSelector", scope_.fieldSelector);
  if (state_ == State::Streaming) {
    // No version: the picture is as new as the store itself.
    query.emplace_back("sendInitialEvents", "true");
    query.emplace_back("resourceVersionMatch", "NotOlderThan");
  } else {
    query.emplace_back("resourceVersion", version_);
  }
  return query;
}

Expected<void> Watcher::watch(std::stop_token stop) {
  const Milliseconds timeout = draw(timing_.watchMin, timing_.watchMax),
                     limit = timeout + timing_.grace;
  const SteadyTime start = environment_.clock->steady();
  const Milliseconds idle =
      state_ == State::Streaming ? std::min(timing_.initialIdle, limit) : limit;
  auto stream =
      connection_.stream(scope_.resource.path(scope_.ns), watchQuery(timeout), idle, stop);
  if (!stream) return tl::unexpected(stream.error());
  if (state_ == State::Streaming)
    sink_.begin();
  else
    sink_.connected();
  auto followed = follow(**stream, start + limit, limit);
  if (!followed) return followed;
  if (state_ == State::Streaming) {
    canStream_ =
        false;  // what is in between may not know what it was asked for; a list always works
    return fail(ErrorCode::Unavailable, "the watch ended before its initial events were through");
  }
  if (environment_.clock->steady() - start < kVeryShort) {
    return fail(ErrorCode::Unavailable, "the watch was ended within a second");
  }
  return {};
}

// Until the stream ends in order, or an error. `idle` is its limit once the initial events are
// through.
Expected<void> Watcher::follow(http::ByteStream& stream, SteadyTime until, Milliseconds idle) {
  LineReader lines(stream);
  bool initial = state_ == State::Streaming;
  while (environment_.clock->steady() < until) {
    auto line = lines.next();
    if (!line) return tl::unexpected(http::toError(line.error()));
    if (!*line) return {};
    if (auto handled = event(**line); !handled) return handled;
    if (initial && state_ == State::Watching) {
      initial = false;
      stream.setIdle(idle);
    }
  }
  return {};  // the server forgot its own time-out
}

Expected<void> Watcher::event(const std::string& line) {
  const auto parsed = reader_.read(line);
  const JsonView object = parsed ? parsed->at("object") : JsonView();
  if (!object.isObject() || parsed->text("type").empty()) {
    // Gone: resumed from, it would come again and again.
    return fail(ErrorCode::Gone, "an event of the watch cannot be read: " + line.substr(0, 200));
  }
  const std::string type = parsed->text("type");
  if (type == "ERROR")
    return tl::unexpected(toError(object.tree(), "watch " + scope_.resource.plural));
  if (type == "BOOKMARK") return bookmark(object);
  const std::string version = versionOf(object);
  if (type != "ADDED" && type != "MODIFIED" && type != "DELETED") {
    spdlog::warn("{}: an event of the unknown type {} is passed over", scope_.resource.plural,
                 type);
    return {};
  }
  if (version.empty()) {
    // From here on nothing says where to resume, so nothing is known to be complete.
    return fail(ErrorCode::Gone, "an event of the watch has no metadata.resourceVersion");
  }
  if (type == "DELETED")
    sink_.remove(object);
  else
    sink_.apply(object);
  // The initial events come in no order of versions: nothing can be resumed from one of them.
  if (state_ == State::Watching) version_ = version;
  return {};
}

Expected<void> Watcher::bookmark(const JsonView& object) {
  const std::string version = versionOf(object);
  if (version.empty())
    return fail(ErrorCode::Gone, "a bookmark of the watch has no metadata.resourceVersion");
  if (state_ == State::Watching) {
    version_ = version;
  } else if (object.at("metadata").at("annotations").text(kInitialEnd) == "true") {
    sink_.end();
    sink_.connected();
    version_ = version;
    state_ = State::Watching;
  }
  return {};
}

}  // namespace reprise::kube
