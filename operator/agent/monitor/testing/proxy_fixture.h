// A monitor in this process, on free ports of the loopback.
#pragma once

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "agent/monitor/call.h"
#include "agent/monitor/process.h"
#include "agent/monitor/testing/raw_socket.h"
#include "drift/basis.h"

namespace reprise::agent::monitor::testing {

// Two numeric features, x and y.
inline drift::Basis smallBasis() {
  std::vector<drift::Row> rows;
  for (int i = 0; i < 50; ++i) rows.push_back({i * 0.1, 5.0 - i % 7});
  return *drift::Basis::fit({"x", "y"}, rows);
}

class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "monitor-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return (path_ / name).string();
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

class ProxyTest : public ::testing::Test {
 protected:
  ProxyTest() {
    options_.listen = options_.admin = "127.0.0.1:0";
    options_.protocol = "v2";
    options_.model = "fuel";
    options_.version = "fuel-1";
    options_.input = dir_.path();
    options_.linger = Milliseconds{0};
    options_.drainLimit = Milliseconds{10'000};
    dir_.write("basis.json", smallBasis().toJson().dump());
  }

  void startAt(std::uint16_t upstream) {
    options_.upstream = "127.0.0.1:" + std::to_string(upstream);
    process_ = std::make_unique<Process>(options_);
    const auto started = process_->start();
    ASSERT_TRUE(started) << started.error().message;
  }
  void start(RawServer::Serve serve) {
    server_ = std::make_unique<RawServer>(std::move(serve));
    startAt(server_->port());
  }
  void TearDown() override {
    process_.reset();  // its connections go before the server waits for them
    server_.reset();
  }

  RawSocket client() { return RawSocket::connect(process_->port()); }
  CallAnswer admin(const std::string& method, const std::string& target,
                   const std::string& body = "") {
    const Endpoint endpoint(asio::ip::make_address("127.0.0.1"), process_->adminPort());
    const auto answer = call(endpoint, method, target, body, Milliseconds{20'000});
    if (!answer) return {0, answer.error().message};
    return *answer;
  }
  // Asks until it says so; the test's own limit is the end of patience.
  bool eventually(const std::function<bool()>& holds) {
    for (int i = 0; i < kPatienceSeconds * 50; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }

  TempDir dir_;
  MonitorOptions options_;
  std::unique_ptr<RawServer> server_;
  std::unique_ptr<Process> process_;
};

// Answers each request with its own bytes as the body.
inline void echo(RawSocket& socket, int) {
  while (true) {
    const std::string request = socket.message();
    if (request.empty()) return;
    socket.send(answer(request));
  }
}

inline std::string post(const std::string& path, const std::string& body,
                        const std::string& more = "") {
  return "POST " + path + " HTTP/1.1\r\nHost: m\r\n" + more +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

inline std::string bodyOf(const std::string& message) {
  const auto at = message.find("\r\n\r\n");
  return at == std::string::npos ? "" : message.substr(at + 4);
}

}  // namespace reprise::agent::monitor::testing
