#include "agent/monitor/rows.h"

#include <gtest/gtest.h>

#include "agent/monitor/chunks.h"
#include "agent/monitor/inflate.h"

namespace reprise::agent::monitor {
namespace {

using drift::Cell;
using drift::Row;

drift::Basis basisOf(const std::vector<std::string>& names, const std::vector<Row>& rows) {
  return *drift::Basis::fit(names, rows);
}

const drift::Basis& numbers() {
  static const auto basis = basisOf({"x", "y"}, {{1.0, 2.0}, {2.0, 4.0}, {3.0, 1.0}});
  return basis;
}
const drift::Basis& mixed() {
  static const auto basis =
      basisOf({"x", "color"}, {{1.0, std::string("red")}, {2.0, std::string("blue")}});
  return basis;
}

struct Case {
  const char* what;
  const char* protocol;
  const drift::Basis& (*basis)();
  std::string body;
  std::vector<Row> rows;  // empty: none, and a problem
};

TEST(Rows, AreReadInEachShape) {
  const std::vector<Row> two = {{1.0, 2.0}, {3.0, 4.0}};
  const std::vector<Case> cases = {
      {"flat tensor", "v2", numbers,
       R"({"inputs":[{"name":"in","shape":[2,2],"datatype":"FP64","data":[1,2,3,4]}]})", two},
      {"nested tensor", "v2", numbers,
       R"({"inputs":[{"name":"in","shape":[2,2],"data":[[1,2],[3,4]]}]})", two},
      {"one row as [d]",
       "v2",
       numbers,
       R"({"inputs":[{"name":"in","shape":[2],"data":[1,2]}]})",
       {two[0]}},
      {"tensors by name", "v2", numbers,
       R"({"inputs":[{"name":"y","shape":[2],"data":[2,4]},{"name":"x","shape":[2,1],"data":[[1],[3]]}]})",
       two},
      {"a name is missing",
       "v2",
       numbers,
       R"({"inputs":[{"name":"y","shape":[1],"data":[2]}]})",
       {{Cell(), 2.0}}},
      {"bytes are texts",
       "v2",
       mixed,
       R"({"inputs":[{"name":"x","shape":[1],"data":[1]},{"name":"color","shape":[1],"datatype":"BYTES","data":["red"]}]})",
       {{1.0, std::string("red")}}},
      {"null is missing",
       "v2",
       numbers,
       R"({"inputs":[{"name":"in","shape":[1,2],"data":[null,true]}]})",
       {{Cell(), 1.0}}},
      {"Python's NaN is missing",
       "v2",
       numbers,
       R"({"inputs":[{"name":"in","shape":[1,2],"data":[NaN,2]}]})",
       {{Cell(), 2.0}}},
      {"wrong size",
       "v2",
       numbers,
       R"({"inputs":[{"name":"in","shape":[2,2],"data":[1,2,3]}]})",
       {}},
      {"another width",
       "v2",
       numbers,
       R"({"inputs":[{"name":"in","shape":[1,3],"data":[1,2,3]}]})",
       {}},
      {"huge shape",
       "v2",
       numbers,
       R"({"inputs":[{"name":"in","shape":[4294967296,4294967296],"data":[]}]})",
       {}},
      {"negative shape",
       "v2",
       numbers,
       R"({"inputs":[{"name":"in","shape":[-1,2],"data":[1,2]}]})",
       {}},
      {"binary extension",
       "v2",
       numbers,
       R"({"inputs":[{"name":"in","shape":[1,2],"parameters":{"binary_data_size":16}}]})",
       {}},
      {"columns differ",
       "v2",
       numbers,
       R"({"inputs":[{"name":"y","shape":[2],"data":[2,4]},{"name":"x","shape":[1],"data":[1]}]})",
       {}},
      {"not JSON", "v2", numbers, "\xff\xfe", {}},
      {"empty", "v2", numbers, "", {}},
      {"instances of arrays", "v1", numbers, R"({"instances":[[1,2],[3,4]]})", two},
      {"instances of objects", "v1", numbers,
       R"({"instances":[{"y":2,"x":1},{"x":3,"y":4,"z":9}]})", two},
      {"instances with one array", "v1", numbers,
       R"({"instances":[{"input":[1,2]},{"input":[3,4]}]})", two},
      {"inputs by column", "v1", numbers, R"({"inputs":{"x":[1,3],"y":[[2],[4]]}})", two},
      {"inputs by row", "v1", numbers, R"({"inputs":[[1,2],[3,4]]})", two},
      {"no instances", "v1", numbers, R"({"rows":[[1,2]]})", {}},
      {"foreign objects", "v1", numbers, R"({"instances":[{"a":1}]})", {}},
      {"object", "json", numbers, R"({"x":1,"y":2})", {two[0]}},
      {"objects", "json", numbers, R"([{"x":1,"y":2},{"x":3,"y":4}])", two},
      {"an array of values", "json", numbers, "[1,2]", {two[0]}},
      {"rows", "json", numbers, R"({"rows":[[1,2],[3,4]]})", two},
      {"data", "json", numbers, R"({"data":[{"x":1,"y":2}]})", {two[0]}},
      {"columns", "json", numbers, R"({"x":[1,3],"y":[2,4]})", two},
      {"split", "json", numbers,
       R"({"dataframe_split":{"columns":["y","z","x"],"data":[[2,0,1],[4,0,3]]}})", two},
      {"records",
       "json",
       mixed,
       R"({"dataframe_records":[{"x":1,"color":"red"}]})",
       {{1.0, std::string("red")}}},
      {"a text", "json", numbers, R"("hello")", {}},
      {"foreign object", "json", numbers, R"({"q":"hello"})", {}},
      {"nested value", "json", numbers, R"({"x":{"a":1},"y":2})", {}},
  };
  for (const auto& one : cases) {
    const auto got = parseRows(one.protocol, one.body, one.basis());
    EXPECT_EQ(got.rows, one.rows) << one.what << ": " << got.problem;
    EXPECT_EQ(got.rows.empty(), !got.problem.empty()) << one.what;
  }
}

TEST(Rows, OfOneRequestAreBounded) {
  std::string body = R"({"instances":[)";
  for (std::size_t i = 0; i < kMaxRequestRows + 100; ++i) body += i ? ",[1,2]" : "[1,2]";
  EXPECT_EQ(parseV1(body + "]}", numbers()).rows.size(), kMaxRequestRows);
}

TEST(Rows, DeepNestingIsNoMatter) {
  const std::string body = R"({"inputs":[{"name":"in","shape":[1,2],"data":)" +
                           std::string(100'000, '[') + std::string(100'000, ']') + "}]}";
  EXPECT_TRUE(parseV2(body, numbers()).rows.empty());
}

TEST(Predictions, AreTheNamedOutputOrTheFirst) {
  const auto values = [](const char* protocol, const char* body) {
    std::vector<Cell> out;
    for (const auto& one : parsePredictions(protocol, body)) out.push_back(one.value);
    return out;
  };
  EXPECT_EQ(
      values(
          "v2",
          R"({"outputs":[{"name":"score","shape":[1,2],"data":[1,2]},{"name":"label","shape":[1],"data":[7]}]})"),
      (std::vector<Cell>{7.0}));
  EXPECT_EQ(
      values("v2",
             R"({"outputs":[{"name":"out","shape":[2,1],"datatype":"BYTES","data":["a","b"]}]})"),
      (std::vector<Cell>{std::string("a"), std::string("b")}));
  EXPECT_EQ(values("v2", R"({"outputs":[{"name":"out","shape":[1,3],"data":[1,2,3]}]})"),
            std::vector<Cell>());
  EXPECT_EQ(values("v1", R"({"predictions":[1,[2],{"label":"c"}]})"),
            (std::vector<Cell>{1.0, 2.0, std::string("c")}));
  EXPECT_EQ(values("json", R"({"prediction":0.5})"), (std::vector<Cell>{0.5}));
  EXPECT_EQ(values("json", "[1,2]"), (std::vector<Cell>{1.0, 2.0}));
  EXPECT_EQ(values("v1", "nonsense"), std::vector<Cell>());
}

TEST(Predictions, ClassesAreRightOrWrongAndQuantitiesAreFarOrNear) {
  const auto label =
      parsePredictions(
          "v2", R"({"outputs":[{"name":"label","datatype":"FP64","shape":[1],"data":[1.0]}]})")
          .at(0);
  EXPECT_EQ(errorOf(label, {3.0, false}), 1);
  EXPECT_EQ(errorOf(label, {1.0, false}), 0);
  const auto liters =
      parsePredictions(
          "v2", R"({"outputs":[{"name":"liters","datatype":"FP64","shape":[1],"data":[1.0]}]})")
          .at(0);
  EXPECT_EQ(errorOf(liters, {3.5, false}), 2.5);
  EXPECT_EQ(errorOf({std::string("a"), false}, {std::string("b"), false}), 1);
  EXPECT_EQ(errorOf({std::string("1"), false}, {1.0, false}), 1);
}

TEST(Chunks, EndWhereTheyEndHoweverTheyAreCut) {
  const std::string body = "5;name=value\r\nhello\r\nA\r\n0123456789\r\n0\r\nX-Trailer: 1\r\n\r\n";
  for (std::size_t cut = 1; cut <= body.size(); ++cut) {
    ChunkScanner scanner;
    std::string data;
    const std::string all = body + "GET /";
    std::size_t at = 0;
    while (at < all.size() && !scanner.done()) {
      const auto part = std::string_view(all).substr(at, cut);
      at += scanner.scan(part, [&](std::string_view bytes) { data.append(bytes); });
      ASSERT_FALSE(scanner.bad());
    }
    EXPECT_EQ(at, body.size());
    EXPECT_EQ(data, "hello0123456789");
  }
}

TEST(Chunks, WhatTwoServersCouldReadInTwoWaysIsBad) {
  for (const char* body :
       {"\r\n", "5\nhello", "g\r\n", "-1\r\n", "0x5\r\n", "5\r\nhelloX", "5\r\nhello\nX", "1 5\rX",
        "1\r\na\r\n0\r\nA: b\n\r\n", "fffffffffffffffff\r\n"}) {
    ChunkScanner scanner;
    scanner.scan(body, [](std::string_view) {});
    EXPECT_TRUE(scanner.bad()) << body;
  }
}

TEST(Inflate, IsBoundedAndRefusesWhatIsBroken) {
  EXPECT_EQ(decoded("plain", "", 10), "plain");
  EXPECT_EQ(decoded("x", "br", 10), std::nullopt);
  EXPECT_EQ(decoded("not gzip", "gzip", 10), std::nullopt);
  // 1 MiB of zeros, by gzip -9
  std::string zeros("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 10);
  EXPECT_EQ(decoded(zeros, "gzip", 10), std::nullopt);  // cut off
}

}  // namespace
}  // namespace reprise::agent::monitor
