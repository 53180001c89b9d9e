// Asks an OCI registry which digest a tag stands for (OCI distribution specification, section
// "Pulling manifests").
#pragma once

#include <memory>
#include <set>
#include <stop_token>
#include <string>

#include "base/http.h"
#include "base/result.h"

namespace reprise::registry {

class OciRegistry {
 public:
  // `insecure`: hosts ("10.0.0.1:5000") that speak plain HTTP; loopback ones always do.
  OciRegistry(std::shared_ptr<http::Transport> transport, std::set<std::string> insecure);

  // "registry/repository@sha256:…", as the image was written. One that has a digest already is
  // answered without asking. InvalidArgument: malformed. NotFound: no such tag or repository.
  // Forbidden: it wants credentials. Unavailable, Timeout: try later.
  Expected<std::string> resolve(const std::string& image, std::stop_token stop = {});

 private:
  Expected<http::Response> ask(const std::string& url, const std::string& method,
                               std::stop_token stop);
  Expected<http::Response> follow(http::Request request, std::stop_token stop);
  Expected<std::string> token(const std::string& challenge, std::stop_token stop);

  std::shared_ptr<http::Transport> transport_;
  std::set<std::string> insecure_;
};

}  // namespace reprise::registry
