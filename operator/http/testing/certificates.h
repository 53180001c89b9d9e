// Certificates that a test makes for itself.
#pragma once

#include <string>

namespace reprise::http::tls_testing {

struct Identity {
  std::string certPem, keyPem;
};

class Authority {
 public:
  explicit Authority(const std::string& commonName);
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  std::string pem() const;
  // `names` as OpenSSL writes them, "IP:127.0.0.1,DNS:localhost"; "" = no subjectAltName. Valid
  // from two hours before to `validSeconds` after now.
  Identity issue(const std::string& commonName, const std::string& names,
                 long validSeconds = 3600) const;

 private:
  struct Impl;
  Impl* impl_;
};

}  // namespace reprise::http::tls_testing
