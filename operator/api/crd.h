// The CustomResourceDefinitions and their reference pages, from the fields of the kinds.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace reprise::api {

struct KindFile {
  std::string kind, plural;
  nlohmann::ordered_json definition;  // apiextensions.k8s.io/v1
};

std::vector<KindFile> customResourceDefinitions();

std::string toYaml(const nlohmann::ordered_json& object);
// Markdown: a table of the fields of spec and of status.
std::string referencePage(const KindFile& kind);

}  // namespace reprise::api
