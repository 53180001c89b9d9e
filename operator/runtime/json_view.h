// Reading what the API server sends, without throwing on what is missing or of another type.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace reprise::runtime {

// The member, or null.
const nlohmann::json& member(const nlohmann::json& object, const std::string& name);
// metadata.<field> where it is a string, else "".
std::string metaString(const nlohmann::json& object, const std::string& field);
std::string annotation(const nlohmann::json& object, const std::string& name);
// The uid of the owner reference with controller=true, "" without one.
std::string controllerUid(const nlohmann::json& object);
// Without members that are null: the API server drops them, so they mean nothing.
nlohmann::json withoutNulls(const nlohmann::json& value);

}  // namespace reprise::runtime
