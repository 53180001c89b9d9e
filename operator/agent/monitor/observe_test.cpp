// What a monitor learns of the requests that pass, as its admin side tells it.
#include <zlib.h>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "agent/monitor/testing/proxy_fixture.h"
#include "signals/monitor_poll.h"

namespace reprise::agent::monitor::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string tensor(const std::vector<double>& values) {
  return json{{"inputs",
               {{{"name", "in"},
                 {"datatype", "FP64"},
                 {"shape", {values.size() / 2, 2}},
                 {"data", values}}}}}
      .dump();
}

std::string gzipped(const std::string& text) {
  std::string out(text.size() + 128, '\0');
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// Says "label" = 1 where the first value of a row is above 1.
void model(RawSocket& socket, int) {
  while (true) {
    const auto request = socket.message();
    if (request.empty()) return;
    const auto body = json::parse(bodyOf(request), nullptr, false);
    std::vector<int> labels;
    if (body.is_object() && body.contains("inputs")) {
      const auto& data = body["inputs"][0]["data"];
      for (std::size_t i = 0; i + 1 < data.size(); i += 2)
        labels.push_back(data[i].get<double>() > 1 ? 1 : 0);
    }
    const json output = {
        {"name", "label"}, {"datatype", "INT64"}, {"shape", {labels.size()}}, {"data", labels}};
    socket.send(answer(json{{"outputs", {output}}}.dump()));
  }
}

class ObserveTest : public ProxyTest {
 protected:
  json windows(const std::string& query = "") {
    return json::parse(admin("GET", "/windows" + query).body, nullptr, false);
  }
  std::int64_t rowsInWindows() {
    std::int64_t rows = 0;
    const json answer = windows();
    for (const auto& window : answer["windows"]) rows += window["rows"].get<std::int64_t>();
    return rows;
  }
  void infer(RawSocket& socket, const std::string& body, const std::string& more = "") {
    socket.send(post("/v2/models/fuel/infer", body, more));
    EXPECT_THAT(socket.message(), ::testing::StartsWith("HTTP/1.1 200"));
  }
};

TEST_F(ObserveTest, WindowsAreWhatTheOperatorReads) {
  options_.windowRows = 3;
  start(model);
  auto socket = client();
  infer(socket, tensor({1, 2}));
  infer(socket, tensor({3, 4, 5, 6}));
  ASSERT_TRUE(eventually([&] { return windows()["windows"].size() == 1; }));
  const auto answer = signals::parseMonitorAnswer(admin("GET", "/windows").body, "fuel-1");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->golden, "Skipped");
  EXPECT_EQ(answer->windows.at(0).first, 1);
  EXPECT_EQ(answer->windows.at(0).second.profile.rows(), 3);
  EXPECT_EQ(answer->windows.at(0).second.profile.basisId(), smallBasis().id());
  EXPECT_GT(answer->windows.at(0).second.firstMs, 1'700'000'000'000);
  EXPECT_EQ(windows("?after=1")["windows"].size(), 0u);
}

TEST_F(ObserveTest, OnlyInferencesThatSucceededAreRows) {
  options_.windowRows = 1;
  start([](RawSocket& socket, int) {
    while (true) {
      const auto request = socket.message();
      if (request.empty()) return;
      if (request.find("refuse") != std::string::npos)
        socket.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
      else
        socket.send(answer("{}"));
    }
  });
  auto socket = client();
  const auto body = tensor({1, 2});
  for (const auto& request :
       {post("/v2/models/other/infer", body), post("/v2/models/fuel/ready", body),
        post("/v2/models/fuel/infer", body, "X: refuse\r\n"), post("/v1/models/fuel:predict", body),
        "GET /v2/models/fuel/infer HTTP/1.1\r\nHost: m\r\n\r\n" + std::string()}) {
    socket.send(request);
    socket.message();
  }
  infer(socket, body);
  socket.send(post("/v2/models/fuel/versions/fuel-1/infer?x=1", body));
  socket.message();
  ASSERT_TRUE(eventually([&] { return windows()["windows"].size() == 2; }));
  EXPECT_EQ(process_->counters().rows, 2u);
  EXPECT_EQ(process_->counters().unreadable, 0u);
}

TEST_F(ObserveTest, CompressedAndChunkedBodiesAreReadFromACopy) {
  options_.windowRows = 2;
  std::mutex mutex;
  std::vector<std::string> seen;
  start([&](RawSocket& socket, int) {
    while (true) {
      const auto request = socket.message();
      if (request.empty()) return;
      std::lock_guard lock(mutex);
      seen.push_back(bodyOf(request));
      socket.send(answer("{}"));
    }
  });
  const auto zipped = gzipped(tensor({1, 2}));
  auto socket = client();
  infer(socket, zipped, "Content-Encoding: gzip\r\n");
  const auto plain = tensor({3, 4});
  const auto half = plain.size() / 2;
  const auto chunk = [](const std::string& data) {
    return fmt::format("{:x}\r\n{}\r\n", data.size(), data);
  };
  const auto chunked = chunk(plain.substr(0, half)) + chunk(plain.substr(half)) + chunk("");
  socket.send(
      "POST /v2/models/fuel/infer HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\n" +
      chunked);
  socket.message();
  ASSERT_TRUE(eventually([&] { return rowsInWindows() == 2; }));
  std::lock_guard lock(mutex);
  EXPECT_EQ(seen, (std::vector<std::string>{zipped, chunked}));
}

TEST_F(ObserveTest, WhatIsAboveTheSampleRateIsForwardedAndCounted) {
  options_.sampleRate = 0;  // a bucket of one
  start(model);
  auto socket = client();
  for (int i = 0; i < 10; ++i) infer(socket, tensor({1, 2}));
  EXPECT_EQ(process_->counters().droppedRate, 9u);
  EXPECT_EQ(windows()["dropped"], 9);
}

TEST_F(ObserveTest, FullQueueDropsAndCountsAndRequestsPass) {
  options_.queueBytes = 100;  // room for none
  start(model);
  auto socket = client();
  for (int i = 0; i < 50; ++i) infer(socket, tensor({1, 2}));
  EXPECT_TRUE(eventually([&] { return process_->counters().droppedQueue == 50; }));
  EXPECT_EQ(windows()["dropped"], 50);
}

TEST_F(ObserveTest, ContextsAreCountedByName) {
  options_.windowRows = 3;
  options_.contextHeader = "x-vehicle";
  start(model);
  auto socket = client();
  infer(socket, tensor({1, 2}), "X-Vehicle: A\r\n");
  infer(socket, tensor({1, 2}), "X-Vehicle: B\r\n");
  infer(socket, tensor({1, 2}), "X-Vehicle: A\r\n");
  ASSERT_TRUE(eventually([&] { return windows()["windows"].size() == 1; }));
  EXPECT_EQ(windows()["windows"][0]["contexts"], (json{{"A", 2}, {"B", 1}}));
}

TEST_F(ObserveTest, WithoutABasisRequestsPassAndNothingIsProfiled) {
  dir_.write("basis.json", "null");
  start(model);
  auto socket = client();
  infer(socket, tensor({1, 2}));
  EXPECT_EQ(windows()["windows"], json::array());
}

TEST_F(ObserveTest, LabelsComeLateAndAreScoredAgainstThePrediction) {
  options_.windowRows = 2;
  start(model);
  auto socket = client();
  infer(socket, tensor({2, 0}), "X-Request-Id: one\r\n");        // says 1
  infer(socket, tensor({0, 0, 5, 0}), "X-Request-Id: two\r\n");  // says 0, 1
  socket.send(post("/reprise/feedback", R"({"id": "one", "label": 1})"));
  EXPECT_THAT(socket.message(), ::testing::StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(admin("POST", "/feedback",
                  R"([{"id": "two", "label": [1, 1]}, {"id": "three", "error": 0.5}])")
                .status,
            200);
  ASSERT_TRUE(eventually([&] { return windows()["feedback"].size() == 1; }));
  const auto block = windows()["feedback"][0];
  EXPECT_EQ(block["n"], 2);  // one, and the first row of two
  EXPECT_EQ(block["errorSum"], 1.0);
  EXPECT_GT(block["firstMs"].get<std::int64_t>(), 1'700'000'000'000);
}

TEST_F(ObserveTest, LabelledRowsOfOnePodAreScoredByAnother) {
  start(model);
  EXPECT_EQ(admin("POST", "/feedback", R"({"id": "none", "label": 1})").status,
            200);  // from now on bodies are kept
  auto socket = client();
  infer(socket, tensor({2, 0}), "X-Request-Id: one\r\n");
  infer(socket, tensor({0, 0, 5, 0}), "X-Request-Id: two\r\n");
  admin("POST", "/feedback", R"([{"id": "one", "label": 0}, {"id": "two", "label": [0, null]}])");
  json labelled;
  ASSERT_TRUE(eventually([&] {
    labelled = json::parse(admin("GET", "/labelled?limit=10").body);
    return labelled["rows"].size() == 2;
  }));
  EXPECT_EQ(labelled["rows"][0]["request"], json::parse(tensor({2, 0})));
  EXPECT_EQ(json::parse(admin("GET", "/labelled?after=1").body)["rows"][0]["seq"], 2);
  const auto score = json::parse(admin("POST", "/score", labelled.dump()).body);
  EXPECT_EQ(score["n"], 2);  // a null label says nothing
  EXPECT_EQ(score["errorSum"], 1.0);
  EXPECT_EQ(score["pairs"], 2);
  EXPECT_EQ(score["gainSqSum"], 0.0) << "it is the same model";
  for (auto& row : labelled["rows"]) row["errors"] = row["seq"] == 1 ? json{0} : json("none");
  const auto other = json::parse(admin("POST", "/score", labelled.dump()).body);
  EXPECT_EQ(other["n"], 2);
  EXPECT_EQ(other["pairs"], 1) << "of an older monitor's rows nothing is known";
  EXPECT_EQ(other["gainSum"], 0.0 - (score["errorSum"].get<double>() - 0.0));
  EXPECT_EQ(admin("POST", "/score", "{}").status, 400);
}

TEST_F(ObserveTest, LabelOfARequestThatWentElsewhereIsToldAsStray) {
  start(model);
  admin("POST", "/feedback", R"([{"id": "far", "label": 1}, {"id": "farther", "error": 0.5}])");
  EXPECT_EQ(admin("POST", "/feedback?relayed=1", R"({"id": "lost", "label": 1})").status, 200);
  EXPECT_EQ(windows()["stray"], json::array());
  ASSERT_TRUE(eventually([&] { return windows()["stray"].size() == 2; }));
  EXPECT_EQ(windows("?strayAfter=1")["stray"],
            json::parse(R"([{"seq": 2, "id": "farther", "error": 0.5}])"));
}

TEST_F(ObserveTest, BadFeedbackIsRefusedWithTheField) {
  start(model);
  auto socket = client();
  socket.send(post("/reprise/feedback", R"([{"id": "a", "label": 1}, {"label": 1}])"));
  const auto got = socket.message();
  EXPECT_THAT(got, ::testing::StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(got, HasSubstr("feedback[1].id"));
  EXPECT_EQ(server_->connections(), 0);
}

TEST_F(ObserveTest, GoldenRequestsMakeThePodReady) {
  const json request = json::parse(tensor({2, 0}));
  const json response = {{"outputs", {{{"name", "label"}, {"data", {1}}}}}};
  options_.golden = dir_.write("examples.jsonl",
                               json{{"request", request}, {"response", response}}.dump() + "\n");
  start(model);
  EXPECT_TRUE(eventually([&] { return admin("GET", "/readyz").status == 200; }));
  EXPECT_EQ(windows()["golden"]["state"], "Passed");
}

TEST_F(ObserveTest, WrongGoldenAnswerIsFinalAndSaysWhat) {
  const json request = json::parse(tensor({2, 0}));
  const json response = {{"outputs", {{{"name", "label"}, {"data", {7}}}}}};
  options_.golden = dir_.write("examples.jsonl",
                               json{{"request", request}, {"response", response}}.dump() + "\n");
  start(model);
  ASSERT_TRUE(eventually([&] { return windows()["golden"]["state"] == "Failed"; }));
  const auto ready = admin("GET", "/readyz");
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, HasSubstr("outputs[0].data[0]: expected 7, got 1"));
}

TEST_F(ObserveTest, GoldenRequestsWaitForAServerThatStarts) {
  const json request = json::parse(tensor({2, 0}));
  options_.golden = dir_.write(
      "examples.jsonl", json{{"request", request}, {"response", json::object()}}.dump() + "\n");
  const auto port = closedPort();
  startAt(port);
  EXPECT_EQ(admin("GET", "/readyz").status, 503);
  EXPECT_EQ(windows()["golden"]["state"], "Pending");
  server_ = std::make_unique<RawServer>(model, port);
  EXPECT_TRUE(eventually([&] { return windows()["golden"]["state"] == "Passed"; }));
}

TEST_F(ObserveTest, ServerThatNeverAnswersFailsTheGoldenRequests) {
  options_.golden = dir_.write("examples.jsonl", "{\"request\": {}, \"response\": {}}\n");
  options_.goldenTimeout = Milliseconds{100};
  startAt(closedPort());
  EXPECT_TRUE(eventually([&] { return windows()["golden"]["state"] == "Failed"; }));
  EXPECT_THAT(windows()["golden"]["message"].get<std::string>(), HasSubstr("not answered within"));
}

TEST_F(ObserveTest, NotReadyWhileTheServerIsDown) {
  startAt(closedPort());
  EXPECT_EQ(admin("GET", "/readyz").status, 503);
  EXPECT_EQ(admin("GET", "/healthz").status, 200);
}

TEST_F(ObserveTest, MetricsAreAnExposition) {
  start(model);
  auto socket = client();
  infer(socket, tensor({1, 2}));
  ASSERT_TRUE(eventually([&] { return process_->counters().inFlight == 0; }));
  const auto text = admin("GET", "/metrics").body;
  EXPECT_THAT(
      text,
      HasSubstr(
          "reprise_monitor_requests_total{model=\"fuel\",version=\"fuel-1\",code=\"2xx\"} 1\n"));
  EXPECT_THAT(
      text,
      HasSubstr("reprise_monitor_request_seconds_count{model=\"fuel\",version=\"fuel-1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("le=\"+Inf\"} 1\n"));
}

TEST_F(ObserveTest, WithAProfileTheDistanceToItIsTold) {
  const auto basis = smallBasis();
  drift::Profile trained(basis);
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(trained.add(basis, {(i % 50) * 0.1, 5.0 - i % 7}));
  dir_.write("profile.json", drift::ProfileDocument{basis, trained}.toJson().dump());
  dir_.write("basis.json", "no basis: it is not read");
  start(model);
  EXPECT_THAT(admin("GET", "/metrics").body, ::testing::Not(HasSubstr("reprise_monitor_drift")));
  std::vector<double> values;
  for (int i = 0; i < 250; ++i) {
    values.push_back(50);
    values.push_back(5.0 - i % 7);
  }
  auto socket = client();
  infer(socket, tensor(values));
  std::string text;
  ASSERT_TRUE(eventually([&] {
    text = admin("GET", "/metrics").body;
    return text.find("reprise_monitor_drift_effect") != std::string::npos;
  }));
  EXPECT_THAT(text, HasSubstr("reprise_monitor_drift_rows{model=\"fuel\",version=\"fuel-1\"} 2"));
  const auto z = text.find("reprise_monitor_drift_z{");
  EXPECT_GT(std::stod(text.substr(text.find(' ', z))), 50);
  EXPECT_THAT(text, HasSubstr("feature=\"x\"} "));
}

TEST_F(ObserveTest, ProfileThatIsNullIsNone) {
  dir_.write("profile.json", "null");
  options_.windowRows = 1;
  start(model);
  auto socket = client();
  infer(socket, tensor({1, 2}));
  EXPECT_TRUE(eventually([&] { return windows()["windows"].size() == 1; }));
}

TEST_F(ObserveTest, WrongFlagsAreNamed) {
  options_.upstream = "nowhere";
  const auto startWith = [](const MonitorOptions& options) {
    Process process(options);
    const auto started = process.start();
    return started ? std::string() : started.error().message;
  };
  EXPECT_THAT(startWith(options_), HasSubstr("--upstream"));
  options_.upstream = "127.0.0.1:1";
  dir_.write("basis.json", "{\"version\": 1}");
  EXPECT_THAT(startWith(options_), HasSubstr("basis.json"));
  dir_.write("profile.json", "{\"apiVersion\": 1}");
  EXPECT_THAT(startWith(options_), HasSubstr("profile.json"));
  options_.input.clear();
  options_.protocol = "v3";
  EXPECT_THAT(startWith(options_), HasSubstr("--protocol"));
}

}  // namespace
}  // namespace reprise::agent::monitor::testing
