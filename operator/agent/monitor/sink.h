// What the forwarding side hands on about a request that is done, and who takes it. Called on a
// forwarding thread: must be quick and never block.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace reprise::agent::monitor {

// Copies of an inference request that succeeded.
struct Sample {
  std::string path;
  std::string body, bodyEncoding;      // as sent: perhaps compressed
  std::string answer, answerEncoding;  // "" where it was too long
  std::string id, context;
  std::int64_t arrivedMs = 0;  // Unix time
  void clear() {
    for (auto* text : {&path, &body, &bodyEncoding, &answer, &answerEncoding, &id, &context})
      text->clear();
    arrivedMs = 0;
  }
};

struct LocalReply {
  int status = 200;
  std::string body;
};

class Sink {
 public:
  virtual ~Sink() = default;
  // Whether a request that begins now shall be copied; what is not is counted as dropped.
  virtual bool wants() = 0;
  // Takes the sample's content and gives an empty one with room back.
  virtual void push(Sample& sample) = 0;
  // A copy that was begun and given up: the body is too long.
  virtual void tooLong() = 0;
  // POST /reprise/feedback.
  virtual LocalReply feedback(std::string_view body) = 0;
};

}  // namespace reprise::agent::monitor
