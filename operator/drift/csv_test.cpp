#include "drift/csv.h"

#include <cmath>
#include <sstream>

#include <gtest/gtest.h>

namespace reprise::drift {
namespace {

struct Table {
  std::vector<std::string> names;
  std::vector<Row> rows;
  std::string error;
};

Table read(const std::string& text, TableFormat format = TableFormat::Csv,
           const TableOptions& options = {}) {
  Table out;
  std::istringstream in(text);
  const TableReader reader{[&](const auto& names) -> Expected<void> {
                             out.names = names;
                             return {};
                           },
                           [&](const Row& row) -> Expected<void> {
                             out.rows.push_back(row);
                             return {};
                           }};
  const auto done = format == TableFormat::Csv ? readCsv(in, options, reader)
                                               : readJsonLines(in, options, reader);
  if (!done) out.error = done.error().message;
  return out;
}

TEST(CsvTest, NumbersTextsAndMissingValuesAreToldApart) {
  const auto table =
      read("a,b,c,d,e\r\n1.5,\"2\",,nan,red\r\n+3,\"x,\"\"y\"\"\nz\", ,-inf,1e999\n");
  EXPECT_EQ(table.error, "");
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[0][0], Cell(1.5));
  EXPECT_EQ(table.rows[0][1], Cell(std::string("2")));
  EXPECT_EQ(table.rows[0][2], Cell());
  EXPECT_TRUE(std::isnan(std::get<double>(table.rows[0][3])));
  EXPECT_EQ(table.rows[1][0], Cell(3.0));
  EXPECT_EQ(table.rows[1][1], Cell(std::string("x,\"y\"\nz")));
  EXPECT_EQ(table.rows[1][2], Cell());
  EXPECT_EQ(table.rows[1][4], Cell(INFINITY));
}

TEST(CsvTest, ErrorsNameTheLine) {
  EXPECT_NE(read("a,b\n1,2\n3\n")
                .error.find("line 3: has 1 fields, the header 2; the first without a value is 'b'"),
            std::string::npos);
  EXPECT_NE(read("a,a\n").error.find("'a' is there twice"), std::string::npos);
  EXPECT_NE(read("a,\n").error.find("line 1, column 2"), std::string::npos);
  EXPECT_NE(read("a\n\"open\n1\n2\n").error.find("line 2: a quoted field is not closed"),
            std::string::npos);
  EXPECT_NE(read("").error.find("empty"), std::string::npos);
  TableOptions options;
  options.maxLineBytes = 10;
  EXPECT_NE(read("a\n" + std::string(100, '1'), TableFormat::Csv, options)
                .error.find("line 2: is longer than 10"),
            std::string::npos);
}

TEST(CsvTest, IgnoredColumnsAreLeftOutAndAnUnknownOneIsSaid) {
  TableOptions options;
  options.ignore = {"label"};
  const auto table = read("a,label,b\n1,2,3\n", TableFormat::Csv, options);
  EXPECT_EQ(table.names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(table.rows.at(0), (Row{1.0, 3.0}));
  options.ignore = {"lable"};
  EXPECT_NE(read("a,label\n1,2\n", TableFormat::Csv, options).error.find("'lable'"),
            std::string::npos);
}

TEST(JsonLinesTest, RowsFollowTheFirstObjectsNames) {
  const auto table = read("{\"b\": true, \"a\": \"x\"}\n\n{\"a\": null}\n", TableFormat::JsonLines);
  EXPECT_EQ(table.error, "");
  EXPECT_EQ(table.names, (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[0], (Row{std::string("x"), 1.0}));
  EXPECT_EQ(table.rows[1], (Row{Cell(), Cell()}));
  EXPECT_NE(read("{\"a\":1}\n{\"c\":1}\n", TableFormat::JsonLines).error.find("line 2: 'c'"),
            std::string::npos);
  EXPECT_NE(read("{\"a\":[1]}\n", TableFormat::JsonLines).error.find("line 1: 'a'"),
            std::string::npos);
  EXPECT_NE(read("[1]\n", TableFormat::JsonLines).error.find("line 1"), std::string::npos);
}

TEST(BuildProfileTest, AnEarlierBasisIsCarriedOnWhateverTheOrderOfColumns) {
  std::istringstream first("x,y\n1,10\n2,20\n3,35\n"), second("y,x\n10,1\n20,2\n35,3\n");
  const auto a = buildProfile(first, TableFormat::Csv, {});
  ASSERT_TRUE(a) << a.error().message;
  const auto b = buildProfile(second, TableFormat::Csv, {}, &a->document.basis);
  ASSERT_TRUE(b) << b.error().message;
  EXPECT_EQ(b->basisChanged, "");
  EXPECT_EQ(a->document.profile, b->document.profile);
}

TEST(BuildProfileTest, OtherColumnsAreAnotherBasisAndAreNamed) {
  std::istringstream first("x,y\n1,10\n2,20\n"), second("x,z\n1,10\n2,20\n");
  const auto a = buildProfile(first, TableFormat::Csv, {});
  ASSERT_TRUE(a);
  const auto b = buildProfile(second, TableFormat::Csv, {}, &a->document.basis);
  ASSERT_TRUE(b);
  EXPECT_NE(b->basisChanged.find("without 'y' and with 'z'"), std::string::npos) << b->basisChanged;
  EXPECT_NE(a->document.basis.id(), b->document.basis.id());
}

TEST(BuildProfileTest, RowsBeyondTheSampleAreCountedToo) {
  std::string text = "x\n";
  for (int i = 0; i < 50; ++i) text += std::to_string(i) + "\n";
  BuildOptions options;
  options.sampleRows = 10;
  std::istringstream in(text), empty("x\n1\n");
  EXPECT_EQ(buildProfile(in, TableFormat::Csv, options)->document.profile.rows(), 50);
  EXPECT_NE(buildProfile(empty, TableFormat::Csv, options).error().message.find("at least 2"),
            std::string::npos);
}

TEST(RowFromJsonTest, NamesOrPositions) {
  const auto basis = *Basis::fit({"x", "y"}, {{1.0, 2.0}, {3.0, 5.0}});
  EXPECT_EQ(*rowFromJson(basis, {{"y", 2}, {"other", {1}}}), (Row{Cell(), 2.0}));
  EXPECT_EQ(*rowFromJson(basis, nlohmann::json::array({1, "a"})), (Row{1.0, std::string("a")}));
  EXPECT_NE(rowFromJson(basis, {{"x", {1}}}).error().message.find("row.x"), std::string::npos);
  EXPECT_FALSE(rowFromJson(basis, nlohmann::json::array({1})));
  EXPECT_FALSE(rowFromJson(basis, "text"));
}

}  // namespace
}  // namespace reprise::drift
