#include "agent/publish.h"

#include <random>

#include "agent/outcome.h"
#include "agent/store.h"
#include "kube/backoff.h"

namespace reprise::agent {
namespace {

using nlohmann::json;

// Calls until it succeeds, fails for good, or patience ends.
Expected<json> persist(const std::function<Expected<json>()>& call, SteadyTime until,
                       const Patience& patience) {
  kube::Backoff backoff(Milliseconds{500}, Milliseconds{15'000});
  std::minstd_rand random(std::random_device{}());
  for (;;) {
    auto answer = call();
    if (answer || !answer.error().retryable()) return answer;
    const SteadyTime now = patience.clock.steady();
    const Milliseconds wait =
        std::max(backoff.next(now, random), answer.error().retryAfter.value_or(Milliseconds{0}));
    if (now + wait > until) return answer;
    std::fprintf(stderr, "reprise: %s; again in %s\n", answer.error().message.c_str(),
                 formatDuration(wait).c_str());
    patience.sleep(wait);
  }
}

std::string textAt(const json& object, const char* pointer) {
  const json::json_pointer at(pointer);
  return object.contains(at) && object.at(at).is_string() ? object.at(at).get<std::string>()
                                                          : std::string();
}

Ending alreadyThere(const json& ours, const json& theirs) {
  const std::string name = textAt(ours, "/metadata/name"),
                    run = textAt(theirs, "/spec/lineage/run"),
                    pipeline = textAt(theirs, "/spec/lineage/pipeline");
  if (run != textAt(ours, "/spec/lineage/run") ||
      pipeline != textAt(ours, "/spec/lineage/pipeline")) {
    return ended("VersionTaken",
                 "ModelVersion " + name + " was made by run '" + run + "' of pipeline '" +
                     pipeline + "'; delete it, or give this pipeline a model of its own",
                 1);
  }
  if (textAt(theirs, "/spec/artifact/sha256") == textAt(ours, "/spec/artifact/sha256")) {
    return ended("Published", "recorded as " + name + " already");
  }
  // An earlier Pod of this run got as far as this and was lost after it; training again made other
  // bytes.
  return ended("Published",
               "recorded as " + name +
                   " already, by an earlier Pod of this run: its model is kept, this one is not");
}

Ending notRegistered(const Error& error) {
  std::string message = error.message;
  if (error.code == ErrorCode::Forbidden) {
    message +=
        "; the run's service account needs create and get on modelversions (ClusterRole "
        "reprise-publisher)";
  }
  return ended("RegistrationFailed", message, 1);
}

}  // namespace

Ending registerVersion(kube::Client& client, const json& object, const Patience& patience) {
  const kube::Resource& versions = kube::resources::modelVersions;
  const std::string ns = textAt(object, "/metadata/namespace"),
                    name = textAt(object, "/metadata/name");
  const SteadyTime until = patience.clock.steady() + patience.limit;
  auto created = persist([&] { return client.create(versions, ns, object); }, until, patience);
  if (created) return ended("Published", "recorded as " + name);
  if (created.error().code != ErrorCode::AlreadyExists) return notRegistered(created.error());
  auto theirs = persist([&] { return client.get(versions, ns, name); }, until, patience);
  if (!theirs) return notRegistered(theirs.error());
  return alreadyThere(object, *theirs);
}

Ending publish(const PublishOptions& options, const ConnectApi& connect, const Patience& patience) {
  auto outcome = readOutcome(options.input, options.output, options.context);
  if (!outcome) return outcome.error();
  auto stored = storeModel(outcome->model, outcome->examples, options.store, options.writer);
  if (!stored) {
    const ErrorCode code = stored.error().code;
    const char* reason = code == ErrorCode::NotFound          ? "ModelMissing"
                         : code == ErrorCode::InvalidArgument ? "ModelMalformed"
                                                              : "StoreFailed";
    return ended(reason, stored.error().message, 1);
  }
  auto client = connect();
  if (!client) return ended("RegistrationFailed", client.error().message, 1);
  Ending ending =
      registerVersion(**client, outcome->object(stored->sha256, stored->bytes), patience);
  if (!outcome->note.empty()) ending.message += "; " + outcome->note;
  ending.more["artifact"] = {{"sha256", stored->sha256}, {"bytes", stored->bytes}};
  return ending;
}

}  // namespace reprise::agent
