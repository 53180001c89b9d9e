// Where a request goes: to this Pod's model server, or to the monitor of another version's Pod; and
// what is copied of one that is answered here.
#include "agent/monitor/session.h"
#include "agent/monitor/worker.h"

namespace reprise::agent::monitor {
namespace {

// Within a cluster a connection is made in a millisecond or not at all, and meanwhile a client
// waits. After a failure others are spared the same wait.
constexpr auto kAvoided = std::chrono::seconds(2);

std::int64_t unixMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

// One that was routed to us is never routed on: two tables that point at each other would send it
// round and round. A tunnel stays here, as nothing is known of what it carries.
void Session::findRoute() {
  if (request_.context.empty() || request_.routed || request_.upgrade) return;
  route_ = worker_.routes().find(request_.context);
  if (route_ && route_->avoided(started_)) {
    monitor::add(worker_.counters().routeFallbacks);
    route_.reset();
  }
}

// The other Pod does not take connections. Nothing of the request was sent, and what came of its
// body is still in our buffer, behind its head: nothing was read since it was parsed, so it is
// still there, too.
void Session::serveHere() {
  monitor::add(worker_.counters().routeFallbacks);
  route_->avoid(Steady::now() + kAvoided);
  route_.reset();
  dropUpstream();
  now_.connecting = false;
  beginBody();
  sample();
  now_.firstPart = scanBody(in_.view());
  connect(false);
}

// Begins a copy of a request that is answered here, if one is wanted.
void Session::sample() {
  if (!worker_.sink().wants()) return;
  if (bodyLeft_ > worker_.options().copyBytes) return worker_.sink().tooLong();
  now_.sampling = true;
  sample_.clear();
  sample_.path.assign(request_.target.substr(0, request_.target.find('?')));
  sample_.bodyEncoding.assign(request_.contentEncoding);
  if (plainName(request_.context)) sample_.context.assign(request_.context);
  sample_.arrivedMs = unixMs();
}

std::string_view Session::server() const {
  return route_ ? "the Pod of the version for this context" : "the model server";
}

}  // namespace reprise::agent::monitor
