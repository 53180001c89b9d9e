// The Authorization header, kept fresh. Safe from many threads.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/http.h"
#include "base/result.h"
#include "base/time.h"

namespace reprise::kube {

class Credentials {
 public:
  virtual ~Credentials() = default;
  // "Bearer …", "Basic …", or "" for none (a client certificate says who we are).
  virtual Expected<std::string> authorization() = 0;
  // The server answered 401 to this header: read it anew before its time.
  virtual void refused(const std::string& /*header*/) {}
  // Some plugins give a client certificate instead; (certificate, key) as PEM.
  virtual Expected<std::pair<std::string, std::string>> certificate() {
    return std::pair<std::string, std::string>{};
  }
};

// Always the same; "" for none.
std::shared_ptr<Credentials> fixedCredentials(std::string header);

// A token in a file that somebody renews: read again each minute and after a 401. Where a later
// read fails or the file is empty, the last token is kept.
std::shared_ptr<Credentials> tokenFileCredentials(
    std::string path, std::shared_ptr<const Clock> clock = std::make_shared<SystemClock>());

// The whole file, or an error that names it.
Expected<std::string> readFile(const std::string& path);

}  // namespace reprise::kube
