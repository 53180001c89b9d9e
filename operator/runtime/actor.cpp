#include "runtime/actor.h"

#include <utility>

#include "base/digest.h"
#include "runtime/json_view.h"

namespace reprise::runtime {

using nlohmann::json;

struct Actor::Act {
  const Subject& subject;
  const api::Plan& plan;
  const FindChild& find;
  const Leads& leads;
  mutable bool current;  // the server has said that the subject is as it was planned on
};

namespace {

// Right before a write is sent, not once at the start: a plan with many children can outlive the
// lease.
Expected<void> stillLeads(const Leads& leads) {
  if (leads()) return {};
  return fail(ErrorCode::Cancelled,
              "this process is no longer the leader; nothing more was written");
}

std::string childText(const kube::Resource& resource, const json& child) {
  return resource.kind + " " + metaString(child, "namespace") + "/" + metaString(child, "name");
}

Expected<void> checkOwner(const Subject& subject, const kube::Resource& resource, const json& child,
                          const std::string& ownerUid) {
  if (ownerUid == subject.uid) return {};
  return fail(ErrorCode::AlreadyExists,
              childText(resource, child) + " exists and " +
                  (ownerUid.empty() ? "has no controller"
                                    : "belongs to another object (owner uid " + ownerUid + ")") +
                  ", so it is not overwritten for " + subject.text() +
                  "; delete or rename one of the two");
}

// Of the plan's object what is sent: with the mark by which it is recognised later.
Expected<json> marked(const Subject& subject, const json& desired) {
  if (controllerUid(desired) != subject.uid) {
    return fail(ErrorCode::Internal,
                "the plan of " + subject.text() + " has a child without it as controller: " +
                    metaString(desired, "name") + "; this is a bug, please report it");
  }
  json child = desired;
  if (metaString(child, "namespace").empty()) child["metadata"]["namespace"] = subject.ns;
  child["metadata"]["annotations"][kAppliedAnnotation] = sha256Hex(desired.dump());
  return child;
}

Expected<const kube::Resource*> resourceOf(const std::string& apiVersion, const std::string& kind) {
  if (const kube::Resource* found = kube::resources::find(apiVersion, kind)) return found;
  return fail(ErrorCode::Internal, "the plan names " + apiVersion + " " + kind +
                                       ", which kube/resource.cpp does not know; add it there");
}

std::string text(const json& object, const char* field) {
  const json& value = member(object, field);
  return value.is_string() ? value.get<std::string>() : std::string();
}

}  // namespace

Actor::Actor(kube::Client& client, EventSink& events, SeenWrites& seen,
             std::function<std::uint64_t(const json&)> contentHash)
    : client_(client), events_(events), memory_(seen), contentHash_(std::move(contentHash)) {}

Expected<void> Actor::act(const Subject& subject, const api::Plan& plan, const FindChild& findChild,
                          const Leads& leads) {
  const Expected<void> done = run({subject, plan, findChild, leads, false});
  if (!done && !done.error().retryable() && done.error().code != ErrorCode::Cancelled) {
    events_.record(subject, {true, "WriteFailed", done.error().message});
  }
  return done;
}

// A child is written only for the subject as it is now. The write of the status says so; without
// one, a read does.
Expected<void> Actor::mayWrite(const Act& act) {
  if (const auto leads = stillLeads(act.leads); !leads || act.current) return leads;
  const Subject& subject = act.subject;
  const Expected<json> now = client_.get(subject.resource, subject.ns, subject.name);
  if (!now && now.error().code != ErrorCode::NotFound) return tl::unexpected(now.error());
  if (!now || metaString(*now, "uid") != subject.uid ||
      metaString(*now, "resourceVersion") != subject.resourceVersion) {
    return fail(ErrorCode::Conflict,
                subject.text() + " has changed since the cache saw it; it is planned anew");
  }
  act.current = true;
  return stillLeads(act.leads);
}

// Two caches are two watches: one may show what a leader before us wrote about an object that the
// other does not show yet. Then the object only seems to be gone.
Expected<void> Actor::checkGone(const Act& act, const api::ObjectRef& ref) {
  const auto resource = resourceOf(ref.apiVersion, ref.kind);
  if (!resource) return tl::unexpected(resource.error());
  const Expected<json> there = client_.get(**resource, ref.namespace_, ref.name);
  if (!there)
    return there.error().code == ErrorCode::NotFound ? Expected<void>()
                                                     : tl::unexpected(there.error());
  const std::string owner = controllerUid(*there);
  if (!owner.empty() && owner != act.subject.uid) return {};  // another one of the same name
  return fail(ErrorCode::Conflict, ref.kind + " " + ref.namespace_ + "/" + ref.name +
                                       " exists, and the cache has not seen it yet");
}

Expected<void> Actor::run(Act act) {
  for (const api::ObjectRef& ref : act.plan.gone) {
    if (const auto gone = checkGone(act, ref); !gone) return gone;
  }
  if (const auto done = writeStatus(act); !done) return done;
  for (const json& child : act.plan.apply) {
    if (const auto done = writeChild(act, child); !done) return done;
  }
  for (const api::ObjectRef& ref : act.plan.remove) {
    if (const auto done = removeChild(act, ref); !done) return done;
  }
  for (const api::EventDraft& event : act.plan.events) events_.record(act.subject, event);
  return {};
}

Expected<void> Actor::writeStatus(Act& act) {
  const Subject& subject = act.subject;
  if (act.plan.status.is_null()) return {};
  const json wanted = withoutNulls(act.plan.status);
  if (wanted == withoutNulls(subject.status)) return {};
  if (subject.status.is_null() && wanted.empty()) return {};
  if (memory_.statusAsRemembered(subject, wanted)) return {};
  if (const auto may = stillLeads(act.leads); !may) return may;
  const json object = {
      {"apiVersion", subject.resource.apiVersion()},
      {"kind", subject.resource.kind},
      {"metadata",
       {{"name", subject.name},
        {"namespace", subject.ns},
        {"uid", subject.uid},
        {"resourceVersion", subject.resourceVersion}}},
      {"status", wanted},
  };
  const Expected<json> answer =
      client_.apply(subject.resource, subject.ns, object, {.subresource = "status"});
  if (!answer) return tl::unexpected(answer.error());
  act.current = true;
  memory_.wrote(subject, subject.resource, *answer);
  memory_.rememberStatus(subject, wanted, member(*answer, "status"));
  return {};
}

Expected<void> Actor::writeChild(const Act& act, const json& desired) {
  const auto resource = resourceOf(text(desired, "apiVersion"), text(desired, "kind"));
  if (!resource) return tl::unexpected(resource.error());
  Expected<json> child = marked(act.subject, desired);
  if (!child) return tl::unexpected(child.error());
  const kube::Resource& kind = **resource;
  const std::string ns = metaString(*child, "namespace"), name = metaString(*child, "name");
  const std::optional<ChildSeen> seen = act.find(kind.apiVersion(), kind.kind, ns, name);
  if (!seen)
    return kind.kind == "Job" ? createJob(act, kind, *child)
                              : applyUnseen(act, kind, std::move(*child));
  if (const auto owned = checkOwner(act.subject, kind, *child, seen->ownerUid); !owned)
    return owned;
  if (kind.kind == "Job")
    return {};  // its template cannot be changed: a run is what it was started as
  // Equal to what was applied last, and nobody edited it since, as far as this process can tell:
  // after a restart the annotation alone is trusted, or every restart would write every child once.
  const std::optional<std::uint64_t> known = memory_.content(act.subject, seen->uid);
  if (seen->appliedAnnotation == annotation(*child, kAppliedAnnotation)) {
    if (!known) memory_.rememberContent(act.subject, seen->uid, seen->contentHash);
    if (!known || *known == seen->contentHash) return {};
  }
  (*child)["metadata"]["uid"] = seen->uid;  // this very object, or Conflict
  return apply(act, kind, *child, true);
}

// Only a create is sure not to touch a Job that exists: a run is never started twice.
Expected<void> Actor::createJob(const Act& act, const kube::Resource& resource, const json& child) {
  if (const auto may = mayWrite(act); !may) return may;
  const std::string ns = metaString(child, "namespace"), name = metaString(child, "name");
  const Expected<json> made = client_.create(resource, ns, child);
  if (made) {
    remember(act, resource, *made);
    return {};
  }
  if (made.error().code != ErrorCode::AlreadyExists) return tl::unexpected(made.error());
  const Expected<json> there =
      client_.get(resource, ns, name);  // made before a crash, or somebody else's
  if (!there) {
    // Deleted in between: plan again.
    return fail(
        there.error().code == ErrorCode::NotFound ? ErrorCode::Conflict : there.error().code,
        there.error().message);
  }
  if (const auto owned = checkOwner(act.subject, resource, child, controllerUid(*there)); !owned)
    return owned;
  remember(act, resource, *there);
  return {};
}

// Not in the cache: it does not exist, or the cache does not hold it because it is not ours. A
// forced apply would take over somebody else's object, so it is read first; what appears in between
// is not forced.
Expected<void> Actor::applyUnseen(const Act& act, const kube::Resource& resource, json child) {
  const std::string ns = metaString(child, "namespace"), name = metaString(child, "name");
  const Expected<json> there = client_.get(resource, ns, name);
  if (!there && there.error().code != ErrorCode::NotFound) return tl::unexpected(there.error());
  if (!there) return apply(act, resource, child, false);
  if (const auto owned = checkOwner(act.subject, resource, child, controllerUid(*there)); !owned)
    return owned;
  if (annotation(*there, kAppliedAnnotation) == annotation(child, kAppliedAnnotation)) {
    remember(act, resource, *there);
    return {};
  }
  child["metadata"]["uid"] = metaString(*there, "uid");
  return apply(act, resource, child, true);
}

Expected<void> Actor::apply(const Act& act, const kube::Resource& resource, const json& child,
                            bool force) {
  if (const auto may = mayWrite(act); !may) return may;
  const Expected<json> answer =
      client_.apply(resource, metaString(child, "namespace"), child, {.force = force});
  if (!answer) {
    Error error = answer.error();
    // So says the server where the object was deleted and made anew since it was seen: no fault of
    // its content.
    if (error.code == ErrorCode::Invalid &&
        error.message.find("metadata.uid") != std::string::npos) {
      error.code = ErrorCode::Conflict;
    }
    return tl::unexpected(std::move(error));
  }
  remember(act, resource, *answer);
  return {};
}

Expected<void> Actor::removeChild(const Act& act, const api::ObjectRef& ref) {
  const auto resource = resourceOf(ref.apiVersion, ref.kind);
  if (!resource) return tl::unexpected(resource.error());
  if (ref.uid.empty()) {
    return fail(ErrorCode::Internal, "the plan of " + act.subject.text() + " removes " + ref.kind +
                                         " " + ref.name +
                                         " without a uid; this is a bug, please report it");
  }
  if (const auto may = mayWrite(act); !may) return may;
  const Expected<void> gone =
      client_.remove(**resource, ref.namespace_.empty() ? act.subject.ns : ref.namespace_, ref.name,
                     {.uid = ref.uid, .propagation = "Background"});
  // A Conflict says that another object has the name by now: the one that was meant is gone.
  if (gone || gone.error().code == ErrorCode::Conflict) return {};
  return gone;
}

void Actor::remember(const Act& act, const kube::Resource& resource, const json& answer) {
  memory_.wrote(act.subject, resource, answer);
  if (const std::string uid = metaString(answer, "uid"); !uid.empty()) {
    memory_.rememberContent(act.subject, uid, contentHash_(answer));
  }
}

}  // namespace reprise::runtime
