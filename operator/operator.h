// The operator as one object: everything that runs, wired.
#pragma once

#include <memory>
#include <stop_token>

#include "base/http.h"
#include "base/result.h"
#include "options.h"

namespace reprise {

class Operator {
 public:
  // `transports`: one for the API server, one for registries, one for monitors. InvalidArgument or
  // Unavailable where the cluster's address cannot be found, a port is taken or a file of TLS
  // cannot be used.
  static Expected<std::unique_ptr<Operator>> make(const Options& options,
                                                  http::TransportFactory transports);
  ~Operator();

  // Until `stop`. False where something could not be ended: then the process must end at once.
  bool run(std::stop_token stop);

 private:
  struct Parts;
  explicit Operator(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace reprise
