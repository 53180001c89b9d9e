// One connection of a client, and the exchange that is under way on it. Requests of one connection
// are answered one after the other, so pipelined ones keep their order. Within an exchange both
// directions move on their own: the model server may answer, or ask to continue, before it has the
// whole body. Runs on one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/monitor/buffer.h"
#include "agent/monitor/chunks.h"
#include "agent/monitor/http_head.h"
#include "agent/monitor/sink.h"
#include "agent/monitor/upstream.h"

namespace reprise::agent::monitor {

class Worker;

class Session final : public UpstreamUser, public std::enable_shared_from_this<Session> {
 public:
  Session(Socket socket, Worker& worker);
  ~Session() override;

  void start();
  // Called by the worker every now and then.
  void checkDeadline(Steady::time_point now);
  // No further request is taken after the one under way; an idle connection is closed.
  void drain();
  bool idle() const { return phase_ == Phase::Head && in_.empty(); }
  Steady::time_point idleSince() const { return since_; }
  void close();

  void onUpstreamRead(error_code error) override;

 private:
  enum class Phase { Head, Exchange, Local, Reply, Tunnel, Linger, Closed };

  // client → us
  void readHead();
  void readClient();
  void startRead();
  void onClientRead(error_code error);
  void tryHead();
  void begin(std::size_t headBytes);
  void takeLocalBody();
  void beginBody();
  void sample();
  // to another version's monitor
  void findRoute();
  void serveHere();
  // us → model server
  void connect(bool fresh);
  void onConnected(error_code error);
  void sendHead();
  void onHeadSent(error_code error, std::size_t sent);
  std::size_t scanBody(std::string_view bytes);  // how many belong to the request's body
  void pumpRequest();
  void onBodySent(error_code error, std::size_t bytes);
  // model server → client
  void tryAnswer();
  void interim(std::size_t headBytes);
  void startAnswer(std::size_t headBytes);
  std::size_t scanAnswer(std::string_view bytes);
  void pumpAnswer();
  void onAnswerSent(error_code error, std::size_t bytes);
  void finish();
  // both ways, after 101
  void tunnel();
  void tunnelUp();
  void tunnelDown();
  void tunnelEnded(bool& side, Socket& other);

  void upstreamFailed(std::string_view what);
  bool retry(bool nothingSent);
  void dropUpstream();
  std::string_view server() const;  // who has to answer, for sentences
  void refuse(int status, std::string_view sentence);
  void reply(int status, std::string_view body);
  void next(bool close);
  void linger();
  void record(int status);
  void extend(std::chrono::milliseconds limit) { deadline_ = Steady::now() + limit; }

  Socket client_;
  Worker& worker_;
  Buffer in_;
  Phase phase_ = Phase::Head;
  Steady::time_point deadline_{}, since_{};
  bool reading_ = false;     // a read of the client's socket is armed
  std::size_t scanned_ = 0;  // bytes that were looked at for the end of a head

  // The exchange. Set anew by begin().
  std::shared_ptr<Upstream> up_;
  std::shared_ptr<UpstreamPool> route_;  // to another version's monitor; null: the model server
  RequestHead request_;
  ResponseHead response_;
  std::string headOut_, routedHead_, answerOut_, problem_, requestId_, localBody_;
  Steady::time_point started_{};
  struct {
    bool headOnly = false, keepAlive = true, version10 = false, upgrade = false, idempotent = false;
    bool counted = true;  // in the counters; true while there is no request
    bool connecting = false, retried = false, interim = false;
    bool requestScanned = false;  // its last byte is here …
    bool requestSent = false;     // … and was written
    bool requestBroken = false;   // the model server takes no more of it
    bool streamed = false;  // bytes of its body are gone from our buffer: it cannot be sent again
    bool answerBytes = false, answerStarted = false, answerDone = false, untilClose = false;
    bool clientEnded = false, upstreamEnded = false;  // of a tunnel
    bool sampling = false, answerTooLong = false;
    std::size_t firstPart =
        0;  // bytes of the body that go with the head; they stay in in_ until the end
  } now_;
  Framing bodyFraming_;
  ChunkScanner bodyChunks_, answerChunks_;
  std::uint64_t bodyLeft_ = 0, answerLeft_ = 0;
  Sample sample_;
};

}  // namespace reprise::agent::monitor
