// Asks the API server whether it knows the fields of the kinds that this operator was built with,
// and says so where it does not: a status with a field that the schema lacks is refused as a whole.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "base/time.h"
#include "kube/client.h"

namespace reprise::controllers {

class SchemaCheck {
 public:
  explicit SchemaCheck(kube::Client& client) : client_(client) {}
  ~SchemaCheck() { stop(); }

  // Looks at once, then every 30 s while anything is wrong or could not be asked, else every 10
  // minutes: kinds that are mended are seen without a restart.
  void start();
  void stop();
  // Looks once, on this thread. Whether all is well.
  bool look();

  // For /readyz: what is wrong, a line a kind; "": nothing is known to be. That the API server
  // could not be asked, or does not let us, is only logged.
  std::string problem() const;
  // For the metric: by kind (plural); one that could not be asked yet is absent.
  std::map<std::string, bool> outdated() const;

 private:
  void note(const std::string& plural, const std::string& problem);

  kube::Client& client_;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  bool looked_ = false;
  std::map<std::string, std::string> problems_;  // by kind (plural); "": it has all
  std::map<std::string, std::string> unasked_;   // why, by kind, as it was logged
  std::jthread thread_;
};

}  // namespace reprise::controllers
