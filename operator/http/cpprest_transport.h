// HTTP over cpprestsdk. The library stays inside of cpprest_transport.cpp; docs/design/http.md says how it must be used.
#pragma once

#include <memory>
#include <string>

#include "base/http.h"

namespace reprise::http {

// The first line of main(): cpprestsdk's pool can be sized once, before anything uses it.
void initialiseCpprest();

struct TlsOptions {
  std::string caPem;                 // trusted; "" = the system's
  std::string certPem, keyPem;       // of this client; "" = none
  std::string serverName;            // expected in the certificate and sent as SNI, where the address says another
  bool insecureSkipVerify = false;
};

// Another certificate authority or client certificate is another Transport: make a new one and drop this one, whose
// connections end with it.
std::shared_ptr<Transport> makeCpprestTransport(TlsOptions tls = {});

}  // namespace reprise::http
