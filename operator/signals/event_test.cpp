#include "signals/event.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace reprise::signals {
namespace {

using nlohmann::json;

const http::Headers kStructured = {{"content-type", "application/cloudevents+json; charset=utf-8"}};
const http::Headers kJson = {{"Content-Type", "Application/JSON"}};

json cloudEvent(const json& data = {{"score", 0.4}}) {
  return {{"specversion", "1.0"}, {"id", "e-1"},
          {"source", "/mes"},     {"type", "dev.reprise.drift.detected"},
          {"data", data},         {"time", "2026-01-02T03:04:05Z"}};
}

// What Alertmanager 0.25 posts.
json notification() {
  return json::parse(R"({"receiver":"reprise","status":"firing","alerts":[{"status":"firing",
    "labels":{"alertname":"Drift","model":"fuel","reprise_context":"vehicle-b"},
    "annotations":{"summary":"share of drifted columns is 0.7"},
    "startsAt":"2026-11-24T20:15:56.399595358Z","endsAt":"0001-01-01T00:00:00Z",
    "generatorURL":"http://p/graph","fingerprint":"c0ffee"}],
    "groupLabels":{"alertname":"Drift"},
    "commonLabels":{"alertname":"Drift","model":"fuel","reprise_context":"vehicle-b"},
    "commonAnnotations":{"summary":"share of drifted columns is 0.7"},
    "externalURL":"http://a:9093","version":"4","groupKey":"{}:{alertname=\"Drift\"}",
    "truncatedAlerts":0})");
}

// What run.json() of Evidently 0.7.23 gives for DataDriftPreset.
json report() {
  return json::parse(R"json({"metrics": [
    {"id": "15e8", "metric_name": "DriftedColumnsCount(drift_share=0.5)",
     "config": {"type": "evidently:metric_v2:DriftedColumnsCount", "drift_share": 0.5},
     "value": {"count": 2.0, "share": 0.6666666666666666}},
    {"id": "2b26", "metric_name": "ValueDrift(column=speed,method=K-S p_value,threshold=0.05)",
     "config": {"type": "evidently:metric_v2:ValueDrift", "column": "speed",
       "method": "K-S p_value", "threshold": 0.05}, "value": 4.585813981253347e-70},
    {"id": "7082", "metric_name": "ValueDrift(column=load,…)",
     "config": {"type": "evidently:metric_v2:ValueDrift", "column": "load",
       "method": "Wasserstein distance (normed)", "threshold": 0.1}, "value": 2.1},
    {"id": "effc", "metric_name": "ValueDrift(column=temp,method=K-S p_value,threshold=0.05)",
     "config": {"type": "evidently:metric_v2:ValueDrift", "column": "temp",
       "method": "K-S p_value", "threshold": 0.05}, "value": 0.11228360286766195}], "tests": []
})json");
}

// "" where it is taken, else the status and the sentence.
std::string refused(const http::Headers& headers, const std::string& body, bool isSigned = false) {
  const auto out = parseEvent(headers, body, isSigned);
  return out ? "" : std::to_string(out.error().status) + " " + out.error().message;
}
std::string refused(const http::Headers& headers, const char* body, bool isSigned = false) {
  return refused(headers, std::string(body), isSigned);
}
std::string refused(const http::Headers& headers, const json& body) {
  return refused(headers, body.dump());
}
bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(CloudEvent, StructuredSaysAllThatAnEventCanSay) {
  const auto out = parseEvent(
      kStructured,
      cloudEvent({{"score", 0.4}, {"version", "fuel-1"}, {"context", "a"}, {"message", "gone"}})
          .dump(),
      true);
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->id, "e-1");
  EXPECT_EQ(out->source, "/mes");
  EXPECT_TRUE(out->drifted);
  EXPECT_EQ(out->score, 0.4);
  EXPECT_EQ(out->version, "fuel-1");
  EXPECT_EQ(out->context, "a");
  EXPECT_EQ(out->message, "gone");
  EXPECT_EQ(formatTime(*out->time), "2026-01-02T03:04:05Z");
}

TEST(CloudEvent, TheTypeSaysWhetherItIsOver) {
  json event = cloudEvent();
  event.erase("data");
  EXPECT_TRUE(parseEvent(kStructured, event.dump(), false)->drifted);
  event["type"] = "dev.reprise.drift.resolved";
  EXPECT_FALSE(parseEvent(kStructured, event.dump(), false)->drifted);
  event["data"] = {{"drifted", true}};
  EXPECT_TRUE(has(refused(kStructured, event), "opposite"));
  event["type"] = "com.example.any";
  EXPECT_TRUE(parseEvent(kStructured, event.dump(), false)->drifted);
  event["data"] = json::object();
  EXPECT_TRUE(has(refused(kStructured, event), "400 data.drifted must be true or false"));
}

TEST(CloudEvent, BinaryHasItsAttributesInHeadersAndIsNotForSignedBodies) {
  http::Headers headers = kJson;
  headers.insert(headers.end(), {{"CE-SpecVersion", "1.0"},
                                 {"ce-id", "e%2D2"},
                                 {"ce-source", "/caf%C3%A9"},
                                 {"ce-type", "com.example.drift"}});
  const auto out = parseEvent(headers, R"({"drifted": false})", false);
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->id, "e-2");
  EXPECT_EQ(out->source, "/café");
  EXPECT_FALSE(out->drifted);
  EXPECT_TRUE(has(refused(headers, R"({"drifted": false})", true), "structured"));
  headers.pop_back();
  EXPECT_TRUE(has(refused(headers, "{}"), "400 header ce-type"));
}

TEST(CloudEvent, WhatIsWrongIsNamed) {
  const auto without = [](const char* key, const json& value) {
    json out = cloudEvent();
    if (value.is_discarded())
      out.erase(key);
    else
      out[key] = value;
    return refused(kStructured, out);
  };
  const json gone(json::value_t::discarded);
  EXPECT_TRUE(has(without("specversion", "0.3"), "400 specversion must be 1.0"));
  EXPECT_TRUE(has(without("id", gone), "400 id"));
  EXPECT_TRUE(has(without("id", 7), "400 id must be a string"));
  EXPECT_TRUE(has(without("id", "a\nb"), "printable"));
  EXPECT_TRUE(has(without("id", std::string(257, 'x')), "400 id"));
  EXPECT_TRUE(has(without("source", gone), "400 source"));
  EXPECT_TRUE(has(without("time", "yesterday"), "400 time"));
  EXPECT_TRUE(has(without("data", "text"), "400 data must be an object"));
  EXPECT_TRUE(has(without("data_base64", "e30="), "data_base64"));
  EXPECT_TRUE(has(without("data", {{"drifted", "yes"}}), "data.drifted must be true or false"));
  EXPECT_TRUE(has(without("data", {{"score", "0.4"}}), "data.score must be a number"));
  EXPECT_TRUE(has(without("data", {{"version", std::string(254, 'v')}}), "data.version"));
  EXPECT_TRUE(has(without("data", {{"context", "ü"}}), "data.context must be printable"));
}

TEST(CloudEvent, MayCarryAReportOfEvidently) {
  const auto out = parseEvent(kStructured, cloudEvent(report()).dump(), true);
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->id, "e-1");
  EXPECT_TRUE(out->drifted);
  EXPECT_TRUE(has(out->message, "2 of 3 columns drifted: speed, load"));
}

TEST(Alertmanager, FiringIsDriftAndResolvedItsEnd) {
  json given = notification();
  const auto out = parseEvent(kJson, given.dump(), false);
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_TRUE(out->drifted);
  EXPECT_EQ(out->source, "alertmanager/reprise");
  EXPECT_EQ(out->context, "vehicle-b");
  EXPECT_EQ(out->message, "share of drifted columns is 0.7");
  given["status"] = given["alerts"][0]["status"] = "resolved";
  const auto over = parseEvent(kJson, given.dump(), false);
  ASSERT_TRUE(over);
  EXPECT_FALSE(over->drifted);
  EXPECT_NE(over->id, out->id);
}

TEST(Alertmanager, ARepeatedNotificationHasTheSameId) {
  const json once = notification();
  json again = once;
  again["truncatedAlerts"] = 1;
  EXPECT_EQ(parseEvent(kJson, once.dump(), false)->id, parseEvent(kJson, again.dump(), false)->id);
  again["alerts"][0]["startsAt"] = "2026-11-24T20:00:00Z";
  EXPECT_NE(parseEvent(kJson, once.dump(), false)->id, parseEvent(kJson, again.dump(), false)->id);
}

TEST(Alertmanager, WhatIsWrongIsNamed) {
  const auto with = [](const char* pointer, const json& value) {
    json out = notification();
    out[json::json_pointer(pointer)] = value;
    return refused(kJson, out);
  };
  EXPECT_TRUE(has(with("/version", "3"), "400 version"));
  EXPECT_TRUE(has(with("/version", 4), "400 version must be a string"));
  EXPECT_TRUE(has(with("/status", "burning"), "400 status"));
  EXPECT_TRUE(has(with("/alerts", json::array()), "400 alerts"));
  EXPECT_TRUE(has(with("/alerts/0", 1), "400 alerts[0]"));
  EXPECT_TRUE(has(with("/alerts/0/startsAt", "now"), "400 alerts[0].startsAt"));
  EXPECT_TRUE(has(with("/commonLabels", 1), "400 commonLabels"));
  EXPECT_TRUE(has(with("/commonLabels/reprise_context", "a\tb"), "400 reprise_context"));
  EXPECT_TRUE(has(with("/alerts", json(std::vector<json>(1001, json::object()))), "400 alerts"));
}

TEST(Evidently, TheShareOfColumnsIsHeldAgainstTheReportsOwnLimit) {
  const auto out = parseEvent(kJson, report().dump(), false);
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_TRUE(out->drifted);
  EXPECT_NEAR(*out->score, 0.667, 0.001);
  EXPECT_EQ(out->message, "2 of 3 columns drifted: speed, load");
  EXPECT_TRUE(out->id.starts_with("report-"));
  json fewer = report();
  fewer["metrics"][0]["config"]["drift_share"] = 0.7;
  EXPECT_FALSE(parseEvent(kJson, fewer.dump(), false)->drifted);
}

TEST(Evidently, WithoutTheCountOneColumnIsEnough) {
  json columns = report();
  columns["metrics"].erase(0);
  EXPECT_TRUE(parseEvent(kJson, columns.dump(), false)->drifted);
  columns["metrics"].erase(0);
  columns["metrics"].erase(0);
  EXPECT_FALSE(parseEvent(kJson, columns.dump(), false)->drifted) << "a p-value above it is none";
}

TEST(Evidently, WhatIsWrongIsNamed) {
  EXPECT_TRUE(has(refused(kJson, R"({"metrics": []})"), "DataDriftPreset"));
  EXPECT_TRUE(has(refused(kJson, R"({"metrics": [1]})"), "400 metrics[0]"));
  json bad = report();
  bad["metrics"][0]["value"]["share"] = 7;
  EXPECT_TRUE(has(refused(kJson, bad), "400 metrics[0].value.share"));
  bad = report();
  bad["metrics"][1]["value"] = "small";
  EXPECT_TRUE(has(refused(kJson, bad), "400 metrics[1].value must be a number"));
  bad = report();
  bad["metrics"][1]["config"].erase("threshold");
  EXPECT_TRUE(has(refused(kJson, bad), "400 metrics[1] needs"));
}

TEST(Event, OfAnotherKindIsRefused) {
  EXPECT_TRUE(has(refused({}, "{}"), "415 Content-Type"));
  EXPECT_TRUE(has(refused({{"content-type", "application/cloudevents-batch+json"}}, "[]"), "415"));
  EXPECT_TRUE(has(refused({{"content-type", "text/plain"}}, "{}"), "415"));
  EXPECT_TRUE(has(refused(kJson, cloudEvent()), "415 this is a CloudEvent"));
  EXPECT_TRUE(has(refused(kJson, R"({"hello": 1})"), "400 the body is no CloudEvent"));
}

TEST(Event, HostileInputIsRefusedAndNeverRepeatedRaw) {
  for (const std::string& body :
       {std::string(""), std::string("{"), std::string("null"), std::string("[[]]"),
        std::string("{\"a\":\"\xff\"}"), std::string(100'000, '['),
        "{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}",
        std::string("{\"metrics\":[{\"config\":{\"type\":{}}}]}"), std::string("\0{}", 3)}) {
    EXPECT_TRUE(refused(kJson, body).starts_with("400 ")) << body.substr(0, 40);
    EXPECT_TRUE(refused(kStructured, body).starts_with("400 ")) << body.substr(0, 40);
  }
  json event = cloudEvent({{"message", std::string("a\x1b[31m\n") + std::string(2000, 'x')}});
  event["source"] = "s\r\nevil";
  const auto out = parseEvent(kStructured, event.dump(), false);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->source, "s??evil");
  EXPECT_EQ(out->message.substr(0, 7), "a?[31m?");
  EXPECT_LE(out->message.size(), kMaxMessage);
  EXPECT_TRUE(has(
      refused(
          kStructured,
          R"({"specversion":"1.0","id":"1","source":"s","type":"t","data":{"drifted":true,"score":1e999}})"),
      "400"));
}

}  // namespace
}  // namespace reprise::signals
