// Heads of requests and answers: parsed by Boost.Beast's parser, and written again for the next
// hop. What belongs to one hop (Connection and what it names) ends here; all else is passed on as
// it came.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::agent::monitor {

struct HeadField {
  std::string_view name, value;
};

// How long a message's body is.
struct Framing {
  bool chunked = false;
  std::optional<std::uint64_t>
      length;  // neither: none (request) or until the connection ends (answer)
};

// Views point into the bytes that were parsed.
struct RequestHead {
  std::string_view method, target;
  int version = 11;  // 10 or 11
  Framing framing;
  bool keepAlive = true;  // as the client asked
  bool upgrade = false;
  bool routed = false;  // another monitor sent it here by one of its routes: not again
  std::string_view requestId, contentEncoding, context;
  std::vector<HeadField> fields;
};

struct ResponseHead {
  int status = 0;
  std::string_view reason;
  int version = 11;
  Framing framing;
  bool keepAlive = true;  // of the model server
  std::string_view contentEncoding;
  std::vector<HeadField> fields;
};

// Where the head that begins at `text` ends (behind the empty line); 0: not yet. `from`: looked at
// before.
std::size_t headEnd(std::string_view text, std::size_t from);

// `head` is complete. Reuses what `out` holds. False: `problem` says why, for the client.
bool parseRequest(std::string_view head, std::string_view contextHeader, RequestHead& out,
                  std::string& problem);
bool parseResponse(std::string_view head, ResponseHead& out, std::string& problem);

// The head for the model server, appended to `to`. `routedId`: for another monitor instead, which
// shall know the request by this id and not send it on.
void writeRequest(const RequestHead& head, std::string& to, std::string_view routedId = {});

// What the answer's head says beside what the model server wrote.
struct ResponseExtra {
  std::string_view version, requestId;
  bool close = false;        // we close the connection after it
  bool keepAlive10 = false;  // an HTTP/1.0 client asked for it, and can have it
  bool upgrade = false;      // 101: Connection and Upgrade are passed on
  bool routed = false;       // another monitor answered: the version that it names is kept
};
void writeResponse(const ResponseHead& head, const ResponseExtra& extra, std::string& to);

// A client's name for its request or context: printable ASCII of at most 128 bytes.
bool plainName(std::string_view text);

}  // namespace reprise::agent::monitor
