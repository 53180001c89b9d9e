// A client that counts and times what passes through it.
#pragma once

#include <type_traits>

#include "kube/client.h"
#include "runtime/metrics.h"

namespace reprise::runtime {

class MeteredClient final : public kube::Client {
 public:
  MeteredClient(kube::Client& inner, Metrics& metrics, const Clock& clock)
      : inner_(inner), metrics_(metrics), clock_(clock) {}

  Expected<kube::Json> get(const kube::Resource& r, std::string_view ns,
                           std::string_view name) override {
    return count("get", r, [&] { return inner_.get(r, ns, name); });
  }
  Expected<kube::Json> create(const kube::Resource& r, std::string_view ns,
                              const kube::Json& object) override {
    return count("create", r, [&] { return inner_.create(r, ns, object); });
  }
  Expected<kube::Json> apply(const kube::Resource& r, std::string_view ns, const kube::Json& object,
                             const kube::ApplyOptions& options) override {
    return count("apply", r, [&] { return inner_.apply(r, ns, object, options); });
  }
  Expected<kube::Json> replace(const kube::Resource& r, std::string_view ns,
                               const kube::Json& object) override {
    return count("replace", r, [&] { return inner_.replace(r, ns, object); });
  }
  Expected<kube::Json> mergePatch(const kube::Resource& r, std::string_view ns,
                                  std::string_view name, const kube::Json& patch,
                                  std::string_view subresource) override {
    return count("patch", r, [&] { return inner_.mergePatch(r, ns, name, patch, subresource); });
  }
  Expected<void> remove(const kube::Resource& r, std::string_view ns, std::string_view name,
                        const kube::DeleteOptions& options) override {
    return count("delete", r, [&] { return inner_.remove(r, ns, name, options); });
  }

 private:
  template <class Call>
  std::invoke_result_t<Call> count(const char* verb, const kube::Resource& resource, Call&& call) {
    const SteadyTime start = clock_.steady();
    auto answer = call();
    metrics_.apiRequest(verb, resource.plural, answer ? "ok" : to_string(answer.error().code),
                        std::chrono::duration_cast<Milliseconds>(clock_.steady() - start));
    return answer;
  }

  kube::Client& inner_;
  Metrics& metrics_;
  const Clock& clock_;
};

}  // namespace reprise::runtime
