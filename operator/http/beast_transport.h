// HTTP over Boost.Beast, for programs that are linked statically: all of it is headers. Each
// request has a connection of its own, which ends with it: nothing is kept, so nothing is sent
// twice. Use it where requests are few; the operator's own traffic goes through
// cpprest_transport.h.
#pragma once

#include <memory>

#include "base/http.h"

namespace reprise::http {

// A TransportFactory. Certificates that cannot be read make each request a Tls error. A host's name
// is looked for in the certificate's subjectAltName only, an address in its IP entries.
//
// The look-up of a host name cannot be given up: it ends within the resolver's own limits
// (resolv.conf: 5 s a try), also where the deadline is shorter. Addresses need none.
std::shared_ptr<Transport> makeBeastTransport(TlsOptions tls = {});

}  // namespace reprise::http
