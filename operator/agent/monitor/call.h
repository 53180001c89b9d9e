// One request to the model server, from a thread that may wait for it: golden requests, scores, "is
// it there?".
#pragma once

#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "base/result.h"
#include "base/time.h"

namespace reprise::agent::monitor {

struct CallAnswer {
  int status = 0;
  std::string body;  // at most 16 MiB
};

// On a connection of its own. Unavailable: none could be made, or it broke; Timeout: after `limit`.
// No method: only the connection is made.
Expected<CallAnswer> call(const boost::asio::ip::tcp::endpoint& server, const std::string& method,
                          const std::string& target, const std::string& body, Milliseconds limit);

// "127.0.0.1:8080"; "localhost" is 127.0.0.1. `flag` is named in errors.
Expected<boost::asio::ip::tcp::endpoint> endpointOf(const std::string& text,
                                                    const std::string& flag);

}  // namespace reprise::agent::monitor
