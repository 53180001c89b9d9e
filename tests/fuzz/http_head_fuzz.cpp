// What the monitor reads of HTTP itself: heads, chunked bodies, compressed bodies.
#include "fuzz/fuzz.h"

#include "agent/monitor/chunks.h"
#include "agent/monitor/http_head.h"
#include "agent/monitor/inflate.h"

using namespace reprise;
namespace monitor = agent::monitor;

REPRISE_FUZZ_TARGET(text) {
  if (const auto end = monitor::headEnd(text, 0); end > 0) {
    const auto head = text.substr(0, end);
    std::string problem, written;
    if (monitor::RequestHead request; monitor::parseRequest(head, "x-context", request, problem)) {
      monitor::writeRequest(request, written);
      monitor::RequestHead again;
      fuzz::require(monitor::headEnd(written, 0) == written.size(),
                    "a request that was written has no end, or goes on: " + written);
      fuzz::require(monitor::parseRequest(written, "x-context", again, problem),
                    "a request that was written is refused: " + problem);
      fuzz::require(again.method == request.method && again.target == request.target,
                    "it is another request");
      fuzz::require(again.framing.chunked == request.framing.chunked &&
                        again.framing.length == request.framing.length,
                    "its body is another one");
    }
    if (monitor::ResponseHead response; monitor::parseResponse(head, response, problem)) {
      written.clear();
      monitor::writeResponse(response, {"fuel-1", "id-1", false, false, false}, written);
      fuzz::require(monitor::headEnd(written, 0) == written.size(),
                    "an answer that was written has no end, or goes on: " + written);
    }
  }
  // The chunks of a body are the same, however the bytes arrive.
  monitor::ChunkScanner whole, single;
  std::string a, b;
  const std::size_t taken = whole.scan(text, [&](std::string_view part) { a += part; });
  std::size_t one = 0;
  while (one < text.size() &&
         single.scan(text.substr(one, 1), [&](std::string_view part) { b += part; }) == 1)
    ++one;
  fuzz::require(
      a == b && whole.done() == single.done() && whole.bad() == single.bad() && taken == one,
      "chunks depend on how the bytes arrive");
  for (const char* encoding : {"gzip", "deflate"}) {
    const auto body = monitor::decoded(text, encoding, 1 << 16);
    fuzz::require(!body || body->size() <= 1 << 16, "more than the limit was inflated");
  }
}
