// The side of a session that faces the model server.
#include <algorithm>

#include "agent/monitor/io_write.h"
#include "agent/monitor/session.h"
#include "agent/monitor/worker.h"

namespace reprise::agent::monitor {
namespace {

constexpr std::size_t kMaxAnswerHead = 256 << 10;
constexpr auto kRouteConnect = std::chrono::milliseconds(500);  // then it is answered here
constexpr std::size_t kMaxAnswerCopy = 64 << 10;                // predictions are short

}  // namespace

void Session::connect(bool fresh) {
  UpstreamPool& pool = route_ ? *route_ : worker_.pool();
  if (!fresh) up_ = pool.take();
  if (up_) {
    up_->user = shared_from_this();
    return sendHead();
  }
  up_ = pool.make();
  now_.connecting = true;
  extend(route_ ? std::min<Milliseconds>(kRouteConnect, worker_.options().connectLimit)
                : worker_.options().connectLimit);
  up_->socket.async_connect(pool.endpoint(),
                            [self = shared_from_this(), up = up_](error_code error) {
                              if (self->phase_ == Phase::Exchange && self->up_ == up)
                                self->onConnected(error);
                            });
}

void Session::onConnected(error_code error) {
  now_.connecting = false;
  if (!error) up_->socket.non_blocking(true, error);
  if (!error) up_->socket.set_option(asio::ip::tcp::no_delay(true), error);
  if (error && route_) return serveHere();
  if (error) {
    monitor::add(worker_.counters().upstreamConnectErrors);
    return refuse(503, "the model server does not accept connections: " + error.message());
  }
  up_->user = shared_from_this();
  sendHead();
}

void Session::sendHead() {
  extend(worker_.options().upstreamLimit);
  const std::string& head = route_ ? routedHead_ : headOut_;
  writeAll(up_->socket, {asio::buffer(head), asio::buffer(in_.view().data(), now_.firstPart)},
           [self = shared_from_this(), up = up_](error_code error, std::size_t sent) {
             if (self->phase_ == Phase::Exchange && self->up_ == up) self->onHeadSent(error, sent);
           });
}

void Session::onHeadSent(error_code error, std::size_t sent) {
  if (error) {
    if (retry(sent == 0)) return;
    now_.requestBroken =
        true;  // perhaps it answered before it closed: what it said is still to be read
    return up_->arm();
  }
  if (now_.requestScanned) {
    now_.requestSent = true;
    return up_->arm();
  }
  up_->arm();
  in_.take(now_.firstPart);
  now_.firstPart = 0;
  now_.streamed = true;
  pumpRequest();
}

// How many of the bytes belong to the body of the request; they are copied for the profile.
std::size_t Session::scanBody(std::string_view bytes) {
  const auto copy = [&](std::string_view data) {
    if (!now_.sampling) return;
    if (sample_.body.size() + data.size() > worker_.options().copyBytes) {
      now_.sampling = false;
      worker_.sink().tooLong();
    } else {
      sample_.body.append(data);
    }
  };
  if (bodyFraming_.chunked) {
    if (bodyChunks_.done()) return 0;
    const auto taken = bodyChunks_.scan(bytes, copy);
    now_.requestScanned = bodyChunks_.done();
    return taken;
  }
  const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(bodyLeft_, bytes.size()));
  if (taken > 0) copy(bytes.substr(0, taken));
  bodyLeft_ -= taken;
  now_.requestScanned = bodyLeft_ == 0;
  return taken;
}

void Session::pumpRequest() {
  if (phase_ != Phase::Exchange || now_.requestScanned || now_.requestBroken) return;
  if (in_.empty()) {
    extend(worker_.options().bodyIdle);
    return readClient();
  }
  const auto taken = scanBody(in_.view());
  if (bodyChunks_.bad()) {
    monitor::add(worker_.counters().badRequests);
    return now_.answerStarted ? close() : refuse(400, "the chunked body is malformed");
  }
  extend(worker_.options().upstreamLimit);
  writeAll(up_->socket, {asio::buffer(in_.view().data(), taken), asio::const_buffer()},
           [self = shared_from_this(), up = up_, taken](error_code error, std::size_t) {
             if (self->phase_ == Phase::Exchange && self->up_ == up) self->onBodySent(error, taken);
           });
}

void Session::onBodySent(error_code error, std::size_t bytes) {
  in_.take(bytes);
  extend(worker_.options().upstreamLimit);
  if (error)
    now_.requestBroken = true;  // its answer, or the end of the connection, comes by the armed read
  else if (now_.requestScanned)
    now_.requestSent = true;
  else
    pumpRequest();
}

void Session::onUpstreamRead(error_code error) {
  if (phase_ == Phase::Tunnel) {
    extend(worker_.options().tunnelIdle);
    return error ? tunnelEnded(now_.upstreamEnded, client_) : tunnelDown();
  }
  if (phase_ != Phase::Exchange) return;
  if (!error) {
    now_.answerBytes = true;
    return now_.answerStarted ? pumpAnswer() : tryAnswer();
  }
  if (!now_.answerStarted) return upstreamFailed("closed the connection without an answer");
  if (now_.untilClose && error == asio::error::eof) {
    now_.answerDone = true;
    return finish();
  }
  monitor::add(worker_.counters().upstreamErrors);
  close();  // the client sees that the answer is not whole
}

void Session::upstreamFailed(std::string_view what) {
  if (retry(false)) return;
  monitor::add(worker_.counters().upstreamErrors);
  refuse(502, std::string(server()) + " " + std::string(what));
}

// A kept connection that the server closed just as we used it: the request is sent once more, on a
// new connection, where it cannot have been acted on or may be acted on twice.
bool Session::retry(bool nothingSent) {
  if (!up_->reused || now_.retried || now_.answerBytes || now_.streamed) return false;
  if (!nothingSent && !now_.idempotent) return false;
  const auto self = shared_from_this();
  now_.retried = true;
  monitor::add(worker_.counters().upstreamRetries);
  dropUpstream();
  connect(true);
  return true;
}

void Session::tryAnswer() {
  const auto view = up_->in.view();
  const auto end = headEnd(view, 0);
  if (end == 0) {
    if (view.size() > kMaxAnswerHead) return upstreamFailed("sent a head that is too large");
    return up_->arm();
  }
  if (!parseResponse(view.substr(0, end), response_, problem_))
    return upstreamFailed("did not answer in HTTP/1.1: " + problem_);
  if (response_.status == 101 && now_.upgrade) {
    monitor::add(worker_.counters().upgrades);
    return startAnswer(end);
  }
  if (response_.status == 101)
    return upstreamFailed("changed the protocol although nobody asked for it");
  if (response_.status < 200) return interim(end);
  startAnswer(end);
}

// 100 Continue, 103 Early Hints: for the client, and the answer is still to come.
void Session::interim(std::size_t headBytes) {
  answerOut_.clear();
  if (!now_.version10) answerOut_.assign(up_->in.view().substr(0, headBytes));
  up_->in.take(headBytes);
  now_.interim = true;
  writeAll(client_, {asio::buffer(answerOut_), asio::const_buffer()},
           [self = shared_from_this(), up = up_](error_code error, std::size_t) {
             if (self->phase_ != Phase::Exchange || self->up_ != up) return;
             self->now_.interim = false;
             error ? self->close() : self->tryAnswer();
           });
}

void Session::startAnswer(std::size_t headBytes) {
  const int status = response_.status;
  const bool tunnels = status == 101;
  now_.answerStarted = true;
  answerChunks_ = {};
  answerLeft_ = 0;
  if (now_.headOnly || status == 204 || status == 304 || tunnels) {
    now_.answerDone = true;
    response_.framing = {};
  } else if (response_.framing.length) {
    answerLeft_ = *response_.framing.length;
    now_.answerDone = answerLeft_ == 0;
  } else if (!response_.framing.chunked) {
    now_.untilClose = true;
  }
  ResponseExtra extra;
  extra.version = worker_.options().version;
  extra.requestId = requestId_;
  extra.upgrade = tunnels;
  extra.routed = route_ != nullptr;
  if (now_.untilClose || worker_.draining()) now_.keepAlive = false;
  extra.close = !now_.keepAlive;
  extra.keepAlive10 = now_.version10 && now_.keepAlive;
  if (now_.sampling) {
    if (status >= 200 && status < 300)
      sample_.answerEncoding.assign(response_.contentEncoding);
    else
      now_.sampling = false;  // what the model refused has told it nothing
  }
  answerOut_.clear();
  writeResponse(response_, extra, answerOut_);
  up_->in.take(headBytes);
  const auto taken = tunnels ? 0 : scanAnswer(up_->in.view());
  if (answerChunks_.bad()) return upstreamFailed("sent a malformed chunked body");
  extend(worker_.options().bodyIdle);
  writeAll(client_, {asio::buffer(answerOut_), asio::buffer(up_->in.view().data(), taken)},
           [self = shared_from_this(), up = up_, taken, tunnels](error_code error, std::size_t) {
             if (self->phase_ != Phase::Exchange || self->up_ != up) return;
             if (tunnels && !error) return self->tunnel();
             self->onAnswerSent(error, taken);
           });
}

std::size_t Session::scanAnswer(std::string_view bytes) {
  const auto copy = [&](std::string_view data) {
    if (!now_.sampling || now_.answerTooLong) return;
    if (sample_.answer.size() + data.size() > kMaxAnswerCopy) {
      now_.answerTooLong = true;
      sample_.answer.clear();
    } else {
      sample_.answer.append(data);
    }
  };
  if (now_.answerDone) return 0;
  if (now_.untilClose) {
    copy(bytes);
    return bytes.size();
  }
  if (response_.framing.chunked) {
    const auto taken = answerChunks_.scan(bytes, copy);
    now_.answerDone = answerChunks_.done();
    return taken;
  }
  const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(answerLeft_, bytes.size()));
  if (taken > 0) copy(bytes.substr(0, taken));
  answerLeft_ -= taken;
  now_.answerDone = answerLeft_ == 0;
  return taken;
}

void Session::pumpAnswer() {
  const auto taken = scanAnswer(up_->in.view());
  if (answerChunks_.bad()) {
    monitor::add(worker_.counters().upstreamErrors);
    return close();
  }
  extend(worker_.options().bodyIdle);
  writeAll(client_, {asio::buffer(up_->in.view().data(), taken), asio::const_buffer()},
           [self = shared_from_this(), up = up_, taken](error_code error, std::size_t) {
             if (self->phase_ == Phase::Exchange && self->up_ == up)
               self->onAnswerSent(error, taken);
           });
}

void Session::onAnswerSent(error_code error, std::size_t bytes) {
  if (error) return close();
  up_->in.take(bytes);
  if (now_.answerDone) return finish();
  extend(worker_.options().upstreamLimit);
  const bool large = response_.framing.chunked || now_.untilClose || answerLeft_ > Buffer::kKept;
  up_->arm(large ? Buffer::kStream : Buffer::kFirst);
}

void Session::finish() {
  const auto self = shared_from_this();
  record(response_.status);
  if (route_) monitor::add(worker_.counters().routed);
  if (now_.sampling && now_.requestSent) {
    sample_.id.assign(requestId_);
    worker_.sink().push(sample_);
  }
  in_.take(now_.firstPart);
  now_.firstPart = 0;
  const auto up = std::move(up_);
  up->user.reset();
  if (now_.requestSent && !now_.untilClose && response_.keepAlive)
    (route_ ? *route_ : worker_.pool()).give(up);
  else
    up->close();
  route_.reset();
  next(!now_.keepAlive || !now_.requestSent);
}

void Session::tunnel() {
  record(101);
  in_.take(now_.firstPart);
  phase_ = Phase::Tunnel;
  extend(worker_.options().tunnelIdle);
  tunnelUp();
  if (phase_ == Phase::Tunnel) tunnelDown();
}

void Session::tunnelUp() {
  if (in_.empty()) return readClient();
  writeAll(up_->socket, {asio::buffer(in_.view().data(), in_.size()), asio::const_buffer()},
           [self = shared_from_this()](error_code error, std::size_t) {
             if (self->phase_ != Phase::Tunnel) return;
             if (error) return self->close();
             self->in_.clear();
             self->readClient();
           });
}

void Session::tunnelDown() {
  if (up_->in.empty()) return up_->arm();
  writeAll(client_, {asio::buffer(up_->in.view().data(), up_->in.size()), asio::const_buffer()},
           [self = shared_from_this()](error_code error, std::size_t) {
             if (self->phase_ != Phase::Tunnel) return;
             if (error) return self->close();
             self->up_->in.clear();
             self->up_->arm();
           });
}

// One side has said all that it will: the other hears so, and may still speak.
void Session::tunnelEnded(bool& side, Socket& other) {
  side = true;
  error_code ignored;
  other.shutdown(Socket::shutdown_send, ignored);
  if (now_.clientEnded && now_.upstreamEnded) return close();
}

}  // namespace reprise::agent::monitor
