// Texts of Secrets, one key at a time: got when they are needed and kept for seconds, never
// watched.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "base/time.h"
#include "kube/client.h"

namespace reprise::controllers {

class Secrets {
 public:
  Secrets(kube::Client& client, const Clock& clock) : client_(client), clock_(clock) {}

  // NotFound (the Secret or its key), Forbidden (a right is missing), InvalidArgument, or what
  // asking ended with; the message names the Secret and the mend. Safe from many threads.
  Expected<std::string> read(const std::string& ns, const std::string& name,
                             const std::string& key);

  static constexpr Milliseconds kKeep{20'000};  // a changed Secret is in force after this

 private:
  Expected<std::string> fetch(const std::string& ns, const std::string& name,
                              const std::string& key);
  struct Entry {
    Expected<std::string> text;
    SteadyTime until;
  };
  kube::Client& client_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

// The key that events are signed with: "whsec_" and base64, or the text itself without line ends
// behind it. InvalidArgument where it is too short.
Expected<std::string> signingKey(const std::string& text, const std::string& secret);

// A reason of the condition SignalsReady.
std::string secretReason(ErrorCode code);

}  // namespace reprise::controllers
