#include "model/operator_process.h"

#include <algorithm>

#include "api/labels.h"
#include "json/view.h"
#include "runtime/json_view.h"

namespace reprise::model {

namespace resources = kube::resources;
using runtime::member;

// What goes to the server, without what the mutant lacks.
class OperatorProcess::Client final : public kube::Client {
 public:
  Client(World& world, const OperatorProcess& process, Mutant mutant)
      : world_(world), process_(process), mutant_(mutant) {}

  Expected<Json> get(const kube::Resource& kind, std::string_view ns,
                     std::string_view name) override {
    auto answer = world_.server.get(kind, ns, name);
    const std::string cached = process_.cachedVersion(kind, std::string(ns), std::string(name));
    if (mutant_ == Mutant::StaleReread && answer && !cached.empty())
      (*answer)["metadata"]["resourceVersion"] = cached;
    return answer;
  }
  Expected<Json> create(const kube::Resource& kind, std::string_view ns,
                        const Json& object) override {
    world_.note("  create " + kind.kind + " " + runtime::metaString(object, "name"));
    return noted(world_.server.create(kind, ns, object));
  }
  Expected<Json> apply(const kube::Resource& kind, std::string_view ns, const Json& object,
                       const kube::ApplyOptions& options) override {
    Json sent = object;
    if (mutant_ == Mutant::NoUidPrecondition) sent["metadata"].erase("uid");
    if (mutant_ == Mutant::NoStatusPrecondition && options.subresource == "status")
      sent["metadata"].erase("resourceVersion");
    world_.note("  apply " + options.subresource + " " + kind.kind + " " +
                runtime::metaString(object, "name") + summary(object));
    if (world_.verbose) noteChange(kind, sent);
    auto answer = noted(world_.server.apply(kind, ns, sent, options));
    if (answer) meant(kind, runtime::metaString(object, "uid"), *answer);
    return answer;
  }
  Expected<Json> replace(const kube::Resource& kind, std::string_view ns,
                         const Json& object) override {
    return world_.server.replace(kind, ns, object);
  }
  Expected<Json> mergePatch(const kube::Resource& kind, std::string_view ns, std::string_view name,
                            const Json& patch, std::string_view subresource) override {
    return world_.server.mergePatch(kind, ns, name, patch, subresource);
  }
  Expected<void> remove(const kube::Resource& kind, std::string_view ns, std::string_view name,
                        const kube::DeleteOptions& options) override {
    kube::DeleteOptions sent = options;
    if (mutant_ == Mutant::NoUidPrecondition) sent.uid.clear();
    world_.note("  remove " + kind.kind + " " + std::string(name));
    const auto there = world_.server.peek(kind, std::string(ns), std::string(name));
    auto answer = noted(world_.server.remove(kind, ns, name, sent));
    if (answer && there) meant(kind, options.uid, *there);
    return answer;
  }

 private:
  void meant(const kube::Resource& kind, const std::string& uid, const Json& reached) {
    const std::string is = runtime::metaString(reached, "uid");
    if (uid.empty() || is == uid) return;
    world_.onViolation("a write that was meant for " + kind.kind + " " + uid +
                       " reached a namesake, " + is);
  }
  template <class Answer>
  Answer noted(Answer answer) {
    if (!answer) world_.note("    refused: " + answer.error().message);
    return answer;
  }
  // Each field that the write changes, for a replay.
  void noteChange(const kube::Resource& kind, const Json& sent) {
    const auto stored = world_.server.peek(kind, kNs, runtime::metaString(sent, "name"));
    if (!stored) return;
    const char* const part = sent.contains("status") ? "status" : "spec";
    for (const Json& one : Json::diff(member(*stored, part), sent.value(part, Json())))
      world_.note("      " + one.dump().substr(0, 200));
  }
  // What of a status or a Service tells the story.
  static std::string summary(const Json& object) {
    std::string out;
    const Json& status = member(object, "status");
    for (const char* key : {"active", "target", "latestVersion"}) {
      if (status.contains(key))
        out += std::string(" ") + key + "=" + status[key].get<std::string>();
    }
    for (const Json& run : member(status, "runs"))
      out += " " + run.value("name", "") + ":" + run.value("phase", "");
    if (status.contains("drift"))
      out += " drift=" + status["drift"].value("action", "") + "/" +
             status["drift"].value("reason", "");
    if (status.contains("retrain")) out += " retrain=" + status["retrain"].value("id", "");
    const Json& selector = member(member(object, "spec"), "selector");
    if (selector.contains(api::kVersionLabel))
      out += " → " + selector[api::kVersionLabel].get<std::string>();
    return out;
  }

  World& world_;
  const OperatorProcess& process_;
  const Mutant mutant_;
};

OperatorProcess::OperatorProcess(
    World& world, Mutant mutant,
    std::function<std::optional<std::uint64_t>(const kube::Resource&)> pictureOf)
    : world_(world),
      mutant_(mutant),
      pictureOf_(std::move(pictureOf)),
      client_(std::make_unique<Client>(world, *this, mutant)),
      actor_(*client_, events_, seen_,
             [](const Json& object) { return api::decodeChild(JsonText(object)).contentHash; }),
      network_(world.network()),
      registry_(network_, {}),
      images_(registry_, world.clock,
              [this](const std::string& image) {
                controllers::wakeForImage(caches_, {training_, versions_, serving_}, image);
              }),
      monitors_(network_, Milliseconds(200), [this](const std::string& owner) { wake(owner); }),
      shadows_(network_, Milliseconds(200), [this](const std::string& owner) { wake(owner); }),
      prometheus_([this](const http::TlsOptions&) { return network_; }, world.clock, {}),
      secrets_(*client_, world.clock),
      context_{caches_,   actor_,   [] { return true; }, images_,
               monitors_, shadows_, prometheus_,         inbox_,
               secrets_,  false,    world.clock,         pods::Settings{"reprise:test"}},
      training_(world.clock, options("training"), hooks(controllers::trainingHooks(context_))),
      versions_(world.clock, options("versions"), hooks(controllers::versionHooks(context_))),
      serving_(world.clock, options("serving"), hooks(controllers::servingHooks(context_))) {
  caches_.addTo(seen_);
  controllers::wakeOnChanges(caches_, {training_, versions_, serving_});
  feeds_ = {{&resources::trainingPipelines, false, &caches_.pipelines.sink(), {}},
            {&resources::modelVersions, false, &caches_.versions.sink(), {}},
            {&resources::modelDeployments, false, &caches_.modelDeployments.sink(), {}},
            {&resources::jobs, true, &caches_.jobs.sink(), {}},
            {&resources::pods, true, &caches_.pods.sink(), {}},
            {&resources::deployments, true, &caches_.deployments.sink(), {}},
            {&resources::services, true, &caches_.services.sink(), {}},
            {&resources::serviceAccounts, true, &caches_.serviceAccounts.sink(), {}},
            {&resources::roleBindings, true, &caches_.roleBindings.sink(), {}}};
}

runtime::Controller::Options OperatorProcess::options(const char* name) const {
  runtime::Controller::Options out;
  out.name = name;
  // A cache may lag for any time here, and the valve for one that lags for ever would open.
  out.catchUpLimit = std::chrono::hours(24);
  return out;
}

runtime::Controller::Hooks OperatorProcess::hooks(runtime::Controller::Hooks real) const {
  if (mutant_ == Mutant::NoReadYourWrites) real.caughtUp = nullptr;
  return real;
}

std::string OperatorProcess::cachedVersion(const kube::Resource& kind, const std::string& ns,
                                           const std::string& name) const {
  if (kind == resources::trainingPipelines) return caches_.pipelines.resourceVersion(ns, name);
  if (kind == resources::modelVersions) return caches_.versions.resourceVersion(ns, name);
  if (kind == resources::modelDeployments)
    return caches_.modelDeployments.resourceVersion(ns, name);
  return {};
}

void OperatorProcess::list(Feed& feed, std::uint64_t version) {
  const auto listing = world_.server.listAt(*feed.kind, version);
  feed.sink->begin();
  for (const auto& object : listing.objects) {
    if (!feed.ours ||
        member(member(member(*object, "metadata"), "labels"), api::kManagedBy) == "reprise")
      feed.sink->apply(JsonText(*object));
  }
  feed.sink->end();
  feed.version = listing.version;
}

void OperatorProcess::relist(std::size_t feed) { list(feeds_[feed], world_.server.version()); }

void OperatorProcess::deliver(std::size_t number, std::size_t limit) {
  Feed& feed = feeds_[number];
  if (!feed.version) {
    const auto stale = pictureOf_ ? pictureOf_(*feed.kind) : std::nullopt;
    return list(feed, stale.value_or(world_.server.version()));
  }
  const auto events = world_.server.eventsSince(*feed.kind, *feed.version, limit);
  if (!events) return relist(number);  // Gone
  for (const auto& event : *events) {
    feed.version = event.version;
    const bool matches = !feed.ours || member(member(member(*event.object, "metadata"), "labels"),
                                              api::kManagedBy) == "reprise";
    if (event.type == runtime::testing::WatchEvent::Type::Deleted || !matches)
      feed.sink->remove(JsonText(*event.object));
    else
      feed.sink->apply(JsonText(*event.object));
  }
  if (events->size() < limit)
    feed.version = std::max(*feed.version, world_.server.version());  // a bookmark
}

bool OperatorProcess::upToDate() const {
  return std::all_of(feeds_.begin(), feeds_.end(), [&](const Feed& feed) {
    return feed.version && *feed.version == world_.server.version();
  });
}

void OperatorProcess::deliverAll() {
  for (std::size_t i = 0; i < kFeeds; ++i) {
    deliver(i, 100'000);
    if (feeds_[i].version < world_.server.version())
      deliver(i, 100'000);  // the first time it only listed
  }
}

bool OperatorProcess::synced() const {
  return mutant_ == Mutant::NoWaitForSync ||
         std::all_of(feeds_.begin(), feeds_.end(),
                     [](const Feed& feed) { return feed.version.has_value(); });
}

bool OperatorProcess::work(std::size_t controller) {
  return synced() && controllers_[controller]->step();
}

void OperatorProcess::pollImages() {
  while (images_.step()) {
  }
}

void OperatorProcess::lookAtAll() {
  for (const auto& pipeline : caches_.pipelines.list())
    training_.enqueue({pipeline->meta.namespace_, pipeline->meta.name});
  for (const auto& known : caches_.versions.list())
    versions_.enqueue({known->version.meta.namespace_, known->version.meta.name});
  for (const auto& one : caches_.modelDeployments.list())
    serving_.enqueue({one->meta.namespace_, one->meta.name});
}

}  // namespace reprise::model
