// HTTP over cpprestsdk. The library stays inside of cpprest_transport.cpp; docs/design/http.md says
// how it must be used.
#pragma once

#include <memory>

#include "base/http.h"

namespace reprise::http {

// The first line of main(): cpprestsdk's pool can be sized once, before anything uses it.
void initialiseCpprest();

// A TransportFactory.
std::shared_ptr<Transport> makeCpprestTransport(TlsOptions tls = {});

}  // namespace reprise::http
