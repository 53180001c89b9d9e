// Asks the model server the golden requests once, at its start. Until they are answered as they
// were when the version was trained, the Pod is not ready; a wrong answer is final, as the same
// bytes in the same image will not mend it.
#pragma once

#include <mutex>
#include <string>
#include <thread>

#include <boost/asio/ip/tcp.hpp>

#include "agent/monitor/monitor.h"

namespace reprise::agent::monitor {

struct GoldenState {
  std::string state;    // Pending, Passed, Failed, Skipped
  std::string message;  // for Failed: the request, the path and both values
  bool good() const { return state == "Passed" || state == "Skipped"; }
};

class GoldenCheck {
 public:
  GoldenCheck(const MonitorOptions& options, boost::asio::ip::tcp::endpoint server);
  ~GoldenCheck() { stop(); }
  void start();
  void stop();
  GoldenState state() const;

 private:
  void run(std::stop_token stop);
  void set(std::string state, std::string message);

  const MonitorOptions& options_;
  const boost::asio::ip::tcp::endpoint server_;
  mutable std::mutex mutex_;
  GoldenState state_{"Pending", "the golden requests have not been asked yet"};
  std::jthread thread_;
};

}  // namespace reprise::agent::monitor
