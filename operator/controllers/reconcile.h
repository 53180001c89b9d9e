// The part of a reconcile that is the same for each kind.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/codec.h"
#include "controllers/context.h"
#include "runtime/controller.h"

namespace reprise::controllers {

// The status is compared in the form in which we would write it: fields of it that a newer operator
// wrote are neither seen nor a reason to write.
template <class Object>
runtime::Subject subjectOf(const kube::Resource& resource, const Object& object) {
  return {resource,        object.meta.namespace_,      object.meta.name,
          object.meta.uid, object.meta.resourceVersion, api::encode(object.status)};
}

template <class Object>
runtime::Outcome act(const Context& context, const kube::Resource& resource, const Object& object,
                     const api::Plan& plan) {
  const auto done = context.actor.act(subjectOf(resource, object), plan, context.caches.findChild(),
                                      context.leads);
  if (!done) return tl::unexpected(done.error());
  return plan.lookAgain;
}

// The versions of a cache's entries, without a copy.
inline std::vector<std::shared_ptr<const api::ModelVersion>> versionsOf(
    const std::vector<std::shared_ptr<const KnownVersion>>& known) {
  std::vector<std::shared_ptr<const api::ModelVersion>> out;
  out.reserve(known.size());
  for (const auto& one : known) out.emplace_back(one, &one->version);
  return out;
}

template <class T>
std::vector<runtime::Key> everyKeyOf(const kube::Cache<T>& cache) {
  std::vector<runtime::Key> out;
  for (auto& [ns, name] : cache.keys()) out.push_back({std::move(ns), std::move(name)});
  return out;
}

}  // namespace reprise::controllers
