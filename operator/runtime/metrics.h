// What the operator tells Prometheus about itself. Names begin with reprise_; units are in the
// names. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "base/time.h"

namespace reprise::runtime {

class Metrics {
 public:
  Metrics();

  // `result`: "ok" or the code of the error.
  void reconciled(const std::string& controller, std::string_view result, Milliseconds took);
  void queueLag(const std::string& controller, Milliseconds lag);
  void queueDepth(const std::string& controller, std::size_t depth);
  // `resource` in the plural; `result` as above.
  void apiRequest(const std::string& verb, const std::string& resource, std::string_view result,
                  Milliseconds took);
  void leader(bool leads);

  // Called before each text(), to set gauges.
  void beforeText(std::function<void()> update);
  // The exposition, as text/plain; version=0.0.4.
  std::string text();
  // For the metrics of the layers above.
  prometheus::Registry& registry() { return registry_; }

 private:
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& reconciles_;
  prometheus::Family<prometheus::Histogram>& reconcileSeconds_;
  prometheus::Family<prometheus::Histogram>& lagSeconds_;
  prometheus::Family<prometheus::Gauge>& depth_;
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Histogram>& requestSeconds_;
  prometheus::Gauge& leader_;
  std::mutex mutex_;
  std::vector<std::function<void()>> updates_;
};

}  // namespace reprise::runtime
