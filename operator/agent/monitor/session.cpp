#include "agent/monitor/session.h"

#include <algorithm>

#include <boost/asio/post.hpp>
#include <boost/beast/http/status.hpp>

#include "agent/monitor/io_write.h"
#include "agent/monitor/worker.h"

namespace reprise::agent::monitor {
namespace {

constexpr auto kLinger = std::chrono::milliseconds(1000);
constexpr std::size_t kMaxLocalBody = 1 << 20;
constexpr std::string_view kFeedbackPath = "/reprise/feedback";

// RFC 9110, section 9.2.2.
bool idempotent(std::string_view method) {
  for (const std::string_view one : {"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"}) {
    if (method == one) return true;
  }
  return false;
}

}  // namespace

Session::Session(Socket socket, Worker& worker) : client_(std::move(socket)), worker_(worker) {
  worker_.counters().open.fetch_add(1, std::memory_order_relaxed);
  worker_.add(this);
}

Session::~Session() {
  if (!now_.counted) record(0);
  worker_.counters().open.fetch_sub(1, std::memory_order_relaxed);
  worker_.remove(this);
}

void Session::start() {
  error_code error;
  client_.non_blocking(true, error);
  if (!error) client_.set_option(asio::ip::tcp::no_delay(true), error);
  if (error) return close();
  readHead();
}

void Session::close() {
  const auto self = shared_from_this();
  phase_ = Phase::Closed;
  error_code ignored;
  client_.close(ignored);
  dropUpstream();
  route_.reset();
}

void Session::dropUpstream() {
  if (!up_) return;
  const auto up = std::move(up_);
  const auto self = std::move(up->user);
  up->close();
}

void Session::drain() {
  if (idle()) close();
}

void Session::checkDeadline(Steady::time_point now) {
  if (now < deadline_ || phase_ == Phase::Closed) return;
  const auto self = shared_from_this();
  auto& counters = worker_.counters();
  const bool untouched = phase_ == Phase::Head && in_.empty();
  if (untouched || phase_ == Phase::Reply || phase_ == Phase::Linger || phase_ == Phase::Tunnel ||
      now_.interim)
    return close();
  if (phase_ == Phase::Exchange && now_.connecting && route_) return serveHere();
  if (phase_ == Phase::Exchange && now_.connecting) {
    monitor::add(counters.upstreamConnectErrors);
    return refuse(503, "the model server did not accept a connection in time");
  }
  if (phase_ == Phase::Exchange && now_.answerStarted) {
    monitor::add(
        counters.clientTimeouts);  // or the model server stopped in the middle: the end is the same
    return close();
  }
  if (phase_ == Phase::Exchange && (now_.requestSent || now_.requestBroken || !reading_)) {
    monitor::add(counters.upstreamTimeouts);
    return refuse(504, std::string(server()) + " did not answer in time");
  }
  monitor::add(counters.clientTimeouts);
  refuse(408, "the request did not arrive in time");
}

void Session::readHead() {
  phase_ = Phase::Head;
  scanned_ = 0;
  since_ = Steady::now();
  deadline_ = since_ + worker_.options().idleLimit;
  if (in_.empty()) {
    in_.shrink();
    return readClient();
  }
  // pipelined: by way of the loop, so that a long row of them does not nest
  asio::post(worker_.io(), [self = shared_from_this()] {
    if (self->phase_ == Phase::Head) self->tryHead();
  });
}

void Session::readClient() {
  if (reading_) return;
  reading_ = true;
  // a next request takes a while: see Upstream::arm
  if (phase_ == Phase::Head && in_.empty()) {
    return asio::post(client_.get_executor(), [self = shared_from_this()] { self->startRead(); });
  }
  startRead();
}

void Session::startRead() {
  std::size_t room = 1024;
  if (phase_ == Phase::Exchange && now_.streamed) {
    const bool large = bodyFraming_.chunked || bodyLeft_ > Buffer::kKept;
    room = large ? Buffer::kStream : Buffer::kFirst;
  }
  in_.reserve(room);
  client_.async_read_some(asio::buffer(in_.room(), in_.roomSize()),
                          [self = shared_from_this()](error_code error, std::size_t n) {
                            self->reading_ = false;
                            if (!error) self->in_.put(n);
                            self->onClientRead(error);
                          });
}

void Session::onClientRead(error_code error) {
  switch (phase_) {
    case Phase::Head:
      if (error) return close();
      return tryHead();
    case Phase::Exchange:
      if (error) return close();  // in the middle of its body
      return pumpRequest();
    case Phase::Local:
      if (error) return close();
      return takeLocalBody();
    case Phase::Tunnel:
      extend(worker_.options().tunnelIdle);
      if (error) return tunnelEnded(now_.clientEnded, up_->socket);
      return tunnelUp();
    case Phase::Linger:
      in_.clear();
      if (error) return close();
      return readClient();
    case Phase::Reply:  // the connection is closed after it; what the client says meanwhile is not
                        // read
    case Phase::Closed: return;
  }
}

void Session::tryHead() {
  if (scanned_ == 0) {
    extend(worker_.options().headerLimit);
    // a client may send an empty line or two after a body (RFC 9112, section 2.2)
    while (in_.view().starts_with("\r\n")) in_.take(2);
    if (in_.empty()) return readClient();
  }
  const auto end = headEnd(in_.view(), scanned_);
  const auto limit = worker_.options().maxHeaderBytes;
  if (end > limit || (end == 0 && in_.size() >= limit)) {
    monitor::add(worker_.counters().badRequests);
    return refuse(431, "the head of the request is too large");
  }
  if (end == 0) {
    scanned_ = in_.size();
    return readClient();
  }
  begin(end);
}

void Session::begin(std::size_t headBytes) {
  started_ = Steady::now();
  now_ = {};
  now_.counted = false;
  worker_.counters().inFlight.fetch_add(1, std::memory_order_relaxed);
  const bool good = parseRequest(in_.view().substr(0, headBytes), worker_.options().contextHeader,
                                 request_, problem_);
  if (good && plainName(request_.requestId))
    requestId_.assign(request_.requestId);
  else
    worker_.nextId(requestId_);
  if (!good || request_.method == "CONNECT") {
    monitor::add(worker_.counters().badRequests);
    return good ? refuse(405, "CONNECT is not taken: this is no forward proxy")
                : refuse(400, problem_);
  }
  now_.headOnly = request_.method == "HEAD";
  now_.keepAlive = request_.keepAlive;
  now_.version10 = request_.version == 10;
  now_.upgrade = request_.upgrade;
  now_.idempotent = idempotent(request_.method);
  bodyFraming_ = request_.framing;
  beginBody();
  const auto path = request_.target.substr(0, request_.target.find('?'));
  if (path == kFeedbackPath && request_.method == "POST") {
    phase_ = Phase::Local;
    localBody_.clear();
    in_.take(headBytes);
    return takeLocalBody();
  }
  if (worker_.infers(request_.method, request_.target)) {
    findRoute();
    if (!route_) sample();
  }
  headOut_.clear();
  writeRequest(request_, headOut_);
  if (route_) {
    routedHead_.clear();
    writeRequest(request_, routedHead_, requestId_);
  }
  in_.take(headBytes);
  phase_ = Phase::Exchange;
  now_.firstPart = scanBody(in_.view());
  if (bodyChunks_.bad()) {
    monitor::add(worker_.counters().badRequests);
    return refuse(400, "the chunked body is malformed");
  }
  connect(false);
}

void Session::beginBody() {
  bodyChunks_ = {};
  bodyLeft_ = bodyFraming_.length.value_or(0);
  now_.requestScanned = !bodyFraming_.chunked && bodyLeft_ == 0;
}

void Session::takeLocalBody() {
  const auto view = in_.view();
  std::size_t taken = 0;
  if (bodyFraming_.chunked) {
    taken = bodyChunks_.scan(view, [&](std::string_view data) {
      if (localBody_.size() <= kMaxLocalBody) localBody_.append(data);
    });
    now_.requestScanned = bodyChunks_.done();
  } else {
    taken = static_cast<std::size_t>(std::min<std::uint64_t>(bodyLeft_, view.size()));
    if (localBody_.size() <= kMaxLocalBody) localBody_.append(view.substr(0, taken));
    bodyLeft_ -= taken;
    now_.requestScanned = bodyLeft_ == 0;
  }
  in_.take(taken);
  if (bodyChunks_.bad()) return refuse(400, "the chunked body is malformed");
  if (localBody_.size() > kMaxLocalBody || bodyLeft_ > kMaxLocalBody) {
    return refuse(413, "feedback is taken up to 1 MiB a request; send it in parts");
  }
  if (!now_.requestScanned) {
    extend(worker_.options().bodyIdle);
    return readClient();
  }
  now_.requestSent = true;
  const auto answer = worker_.sink().feedback(localBody_);
  reply(answer.status, answer.body);
}

// An answer of our own, in the shape that the inference protocols give to errors.
void Session::refuse(int status, std::string_view sentence) {
  std::string body = "{\"error\": \"";
  for (const char c : sentence) {
    if (c == '"' || c == '\\') body += '\\';
    if (static_cast<unsigned char>(c) >= ' ') body += c;
  }
  body += "\"}";
  reply(status, body);
}

void Session::reply(int status, std::string_view body) {
  const auto self = shared_from_this();
  dropUpstream();
  route_.reset();
  if (phase_ == Phase::Head && now_.counted) {  // the head never became a request
    now_ = {};
    started_ = Steady::now();
    now_.counted = false;
    worker_.counters().inFlight.fetch_add(1, std::memory_order_relaxed);
    worker_.nextId(requestId_);
  }
  // A request whose end has not been read leaves the connection where no next one can begin.
  const bool whole = now_.requestScanned && (phase_ == Phase::Exchange || phase_ == Phase::Local);
  const bool close = !whole || !now_.keepAlive || worker_.draining();
  const auto reason =
      boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
  answerOut_.assign("HTTP/1.1 ")
      .append(std::to_string(status))
      .append(" ")
      .append(reason.data(), reason.size());
  answerOut_.append("\r\nContent-Type: application/json\r\nContent-Length: ")
      .append(std::to_string(body.size()));
  if (status == 503) answerOut_.append("\r\nRetry-After: 1");
  if (close)
    answerOut_.append("\r\nConnection: close");
  else if (now_.version10)
    answerOut_.append("\r\nConnection: keep-alive");
  if (!worker_.options().version.empty())
    answerOut_.append("\r\nx-reprise-version: ").append(worker_.options().version);
  answerOut_.append("\r\nx-request-id: ").append(requestId_).append("\r\n\r\n");
  if (!now_.headOnly) answerOut_.append(body);
  in_.take(now_.firstPart);
  now_.firstPart = 0;
  record(status);
  phase_ = Phase::Reply;
  extend(worker_.options().bodyIdle);
  writeAll(client_, {asio::buffer(answerOut_), asio::const_buffer()},
           [self, close](error_code error, std::size_t) {
             if (self->phase_ == Phase::Closed) return;
             error ? self->close() : self->next(close);
           });
}

void Session::record(int status) {
  if (now_.counted) return;
  now_.counted = true;
  auto& counters = worker_.counters();
  counters.inFlight.fetch_sub(1, std::memory_order_relaxed);
  counters.answered(
      status, std::chrono::duration_cast<std::chrono::microseconds>(Steady::now() - started_));
}

void Session::next(bool close) {
  if (close || worker_.draining()) return linger();
  readHead();
}

// Closing at once would reset a connection on which the client still sends, and take our answer
// with it.
void Session::linger() {
  phase_ = Phase::Linger;
  error_code error;
  client_.shutdown(Socket::shutdown_send, error);
  if (error) return close();
  in_.clear();
  extend(kLinger);
  readClient();
}

}  // namespace reprise::agent::monitor
