// reprise-crdgen <crds folder> <reference folder>: writes the definitions and their pages. With
// --check it writes nothing and fails where a file is not what it would write.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "api/crd.h"

namespace fs = std::filesystem;

namespace {

bool put(const fs::path& path, const std::string& text, bool check) {
  if (!check) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return true;
  }
  std::stringstream now;
  now << std::ifstream(path).rdbuf();
  if (now.str() == text) return true;
  std::cerr << path.string() << " is not what the fields say: run `make generate`\n";
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  const bool check = argc > 1 && std::string(argv[1]) == "--check";
  if (argc != (check ? 4 : 3)) {
    std::cerr << "usage: reprise-crdgen [--check] <crds folder> <reference folder>\n";
    return 2;
  }
  const fs::path crds = argv[check ? 2 : 1], reference = argv[check ? 3 : 2];
  bool same = true;
  for (const auto& kind : reprise::api::customResourceDefinitions()) {
    same &= put(crds / (kind.plural + ".yaml"), reprise::api::toYaml(kind.definition), check);
    same &= put(reference / (kind.plural + ".md"), reprise::api::referencePage(kind), check);
  }
  return same ? 0 : 1;
}
