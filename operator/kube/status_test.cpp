#include "kube/status.h"

#include <gtest/gtest.h>

namespace reprise::kube {
namespace {

Error of(int code, const std::string& body, http::Headers headers = {}) {
  return toError(http::Response{code, std::move(headers), body}, "do it");
}
std::string status(const std::string& reason) {
  return R"({"kind":"Status","message":"m","reason":")" + reason + R"("})";
}

TEST(Status, Row19_AConflictIsToldFromWhatIsThereAlready) {
  EXPECT_EQ(of(409, status("Conflict")).code, ErrorCode::Conflict);
  EXPECT_EQ(of(409, status("AlreadyExists")).code, ErrorCode::AlreadyExists);
}

TEST(Status, EachCodeHasItsMeaning) {
  EXPECT_EQ(of(400, status("BadRequest")).code, ErrorCode::InvalidArgument);
  EXPECT_EQ(of(401, status("Unauthorized")).code, ErrorCode::Forbidden);
  EXPECT_EQ(of(403, status("Forbidden")).code, ErrorCode::Forbidden);
  EXPECT_EQ(of(404, status("NotFound")).code, ErrorCode::NotFound);
  EXPECT_EQ(of(410, status("Expired")).code, ErrorCode::Gone);
  EXPECT_EQ(of(422, status("Invalid")).code, ErrorCode::Invalid);
  EXPECT_EQ(of(429, "").code, ErrorCode::TooManyRequests);
  EXPECT_EQ(of(503, "<html>").code, ErrorCode::Unavailable);
}

TEST(Status, OnlyAServerThatFailedMayHaveActed) {
  EXPECT_EQ(of(409, status("Conflict")).sent, Sent::No);
  EXPECT_EQ(of(429, "").sent, Sent::No);
  EXPECT_EQ(of(500, "").sent, Sent::Maybe);
  EXPECT_EQ(of(504, "").sent, Sent::Maybe);
}

TEST(Status, AFieldThatTheSchemaLacksNeverPassesAndOfOurKindsTheMendIsNamed) {
  const auto unknown = [](const std::string& what) {
    return of(500,
              R"({"kind":"Status","message":"failed to create typed patch object (team/fuel; )" +
                  what + R"(): .status.routes: field not declared in schema"})");
  };
  const Error ours = unknown("reprise.dev/v1alpha1, Kind=ModelDeployment");
  EXPECT_EQ(ours.code, ErrorCode::Invalid);
  EXPECT_EQ(ours.sent, Sent::No);
  EXPECT_NE(ours.message.find("kubectl apply --server-side"), std::string::npos);
  const Error others = unknown("apps/v1, Kind=Deployment");
  EXPECT_EQ(others.code, ErrorCode::Invalid);
  EXPECT_EQ(others.message.find("kubectl"), std::string::npos);
}

TEST(Status, CausesThatTheMessageLeavesOutAreNamedWithTheirFields) {
  const Error error = of(
      422,
      R"({"kind":"Status","reason":"Invalid","message":"Job is invalid: spec.a: Required","details":{"causes":[{"field":"spec.a","message":"Required"},{"field":"spec.b","message":"must be positive"}]}})");
  EXPECT_EQ(error.message,
            "do it: Job is invalid: spec.a: Required: spec.b: must be positive (HTTP 422)");
}

TEST(Status, WaitingTimesComeFromTheHeaderOrTheBody) {
  EXPECT_EQ(of(503, "", {{"Retry-After", "5"}}).retryAfter, std::chrono::seconds(5));
  EXPECT_EQ(of(503, R"({"kind":"Status","details":{"retryAfterSeconds":2}})").retryAfter,
            std::chrono::seconds(2));
  EXPECT_EQ(of(503, "", {{"Retry-After", "-1"}}).retryAfter, std::nullopt);
  EXPECT_EQ(of(503, "", {{"Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT"}}).retryAfter,
            std::nullopt);
}

TEST(Status, WhatAnybodyMaySendDoesNotBreakIt) {
  for (const char* body :
       {"", "null", "[]", "7", R"({"kind":7})", R"({"kind":"Status","details":[],"message":{}})",
        R"({"kind":"Status","details":{"causes":[1,{"field":2}]}})"}) {
    EXPECT_EQ(of(500, body).code, ErrorCode::Unavailable) << body;
  }
}

}  // namespace
}  // namespace reprise::kube
