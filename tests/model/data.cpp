#include "model/data.h"

#include "drift/testing/kinds.h"

namespace reprise::model {
namespace {

using drift::testing::profileOf;
using drift::testing::rowsOf;

constexpr std::size_t kWindows = 12;

drift::testing::Kind sourceOf(Kind kind) {
  switch (kind) {
    case Kind::A: return {0, 0, 0.3, 1};
    case Kind::B: return {4, 8, 0.3, 1};
    case Kind::C: return {-4, -8, 0.3, 1};
  }
  return {};
}

struct Made {
  drift::Basis basis = *drift::Basis::fit({"x", "y"}, rowsOf(sourceOf(Kind::A), 300, 1));
  nlohmann::json trained[3];
  std::vector<std::string> windows[3];

  Made() {
    for (int k = 0; k < 3; ++k) {
      const auto source = sourceOf(static_cast<Kind>(k));
      trained[k] =
          drift::ProfileDocument{basis, profileOf(basis, rowsOf(source, 300, 10 + k))}.toJson();
      for (std::size_t i = 0; i < kWindows; ++i) {
        windows[k].push_back(
            profileOf(basis, rowsOf(source, 100, 100 * (k + 1) + i)).toJson().dump());
      }
    }
  }
};

const Made& made() {
  static const Made one;
  return one;
}

}  // namespace

const nlohmann::json& trainedProfile(Kind kind) { return made().trained[static_cast<int>(kind)]; }

const std::string& windowProfile(Kind kind, std::size_t number) {
  return made().windows[static_cast<int>(kind)][number % kWindows];
}

}  // namespace reprise::model
