#include "runtime/metrics.h"

#include <chrono>
#include <utility>

#include <prometheus/text_serializer.h>

namespace reprise::runtime {
namespace {

double seconds(Milliseconds time) { return std::chrono::duration<double>(time).count(); }

prometheus::Histogram::BucketBoundaries buckets() {
  return {0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300};
}

template <class Builder>
auto& family(Builder builder, prometheus::Registry& registry, const char* name, const char* help) {
  return builder.Name(name).Help(help).Register(registry);
}

}  // namespace

Metrics::Metrics()
    : reconciles_(family(prometheus::BuildCounter(), registry_, "reprise_reconcile_total",
                         "Reconciles by controller and result.")),
      reconcileSeconds_(family(prometheus::BuildHistogram(), registry_,
                               "reprise_reconcile_duration_seconds", "How long a reconcile took.")),
      lagSeconds_(family(prometheus::BuildHistogram(), registry_, "reprise_queue_lag_seconds",
                         "How long an object was ready before a worker took it.")),
      depth_(family(prometheus::BuildGauge(), registry_, "reprise_queue_depth",
                    "Objects that wait for a worker.")),
      requests_(family(prometheus::BuildCounter(), registry_, "reprise_api_requests_total",
                       "Requests to the API server by verb, resource and result.")),
      requestSeconds_(family(prometheus::BuildHistogram(), registry_,
                             "reprise_api_request_duration_seconds",
                             "How long a request to the API server took.")),
      leader_(family(prometheus::BuildGauge(), registry_, "reprise_leader",
                     "1 where this process leads.")
                  .Add({})) {}

void Metrics::reconciled(const std::string& controller, std::string_view result,
                         Milliseconds took) {
  reconciles_.Add({{"controller", controller}, {"result", std::string(result)}}).Increment();
  reconcileSeconds_.Add({{"controller", controller}}, buckets()).Observe(seconds(took));
}

void Metrics::queueLag(const std::string& controller, Milliseconds lag) {
  lagSeconds_.Add({{"controller", controller}}, buckets()).Observe(seconds(lag));
}

void Metrics::queueDepth(const std::string& controller, std::size_t depth) {
  depth_.Add({{"controller", controller}}).Set(static_cast<double>(depth));
}

void Metrics::apiRequest(const std::string& verb, const std::string& resource,
                         std::string_view result, Milliseconds took) {
  requests_.Add({{"verb", verb}, {"resource", resource}, {"result", std::string(result)}})
      .Increment();
  requestSeconds_.Add({{"verb", verb}}, buckets()).Observe(seconds(took));
}

void Metrics::leader(bool leads) { leader_.Set(leads ? 1 : 0); }

void Metrics::beforeText(std::function<void()> update) {
  const std::lock_guard lock(mutex_);
  updates_.push_back(std::move(update));
}

std::string Metrics::text() {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& update : updates_) update();
  }
  return prometheus::TextSerializer().Serialize(registry_.Collect());
}

}  // namespace reprise::runtime
