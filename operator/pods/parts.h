// Parts of Pods that both training and serving are made of. Pure: JSON in, JSON out.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "api/meta.h"

namespace reprise::pods {

using Json = nlohmann::json;

// Where everything of ours lives inside a Pod.
inline constexpr const char* kRoot = "/reprise";
inline constexpr const char* kAgent = "/reprise/bin/reprise-agent";
inline constexpr const char* kOutputDir = "/reprise/output";
inline constexpr const char* kInputDir = "/reprise/input";
inline constexpr const char* kStoreDir = "/reprise/store";
inline constexpr const char* kModelDir = "/reprise/model";

struct Settings {
  std::string agentImage;  // the image that holds reprise-agent
  std::string agentPullPolicy = "IfNotPresent";
};

Json env(const std::string& name, const std::string& value);

// What PodSecurity "restricted" asks of each container, under what the user wrote.
Json restrictedContainer(Json container);

// Fills a Pod spec that the user may have begun: restricted security context, no token, our volume.
// What the user wrote wins.
Json restrictedPod(Json podSpec);

// Copies the agent into the volume that all containers share.
Json installContainer(const Settings& settings);

// A container that runs the agent's own image.
Json agentContainer(const Settings& settings, const std::string& name,
                    std::vector<std::string> args);

// "10.0.0.9:8080", "[fd00::9]:8080".
std::string hostPort(const std::string& ip, int port);

// `files` become annotations of the Pod and files of the volume "input": they live and die with the
// Pod, and making the two is one write.
void addInputFiles(Json& podTemplate, const std::map<std::string, std::string>& files);

// The named entry of a list of objects with "name", or null.
Json findByName(const Json& list, const std::string& name);

// Nothing where what the user wrote in a Pod template can be built on, else a sentence that names
// the field. The schema leaves templates open: Kubernetes judges what they mean, this only their
// shape. `field`: "spec.template".
std::optional<std::string> badPodTemplate(const Json& podTemplate, const std::string& field);

// `over` laid on `base`, as a strategic merge does for what Pods need: objects by key, lists of
// named objects by name, env and volumeMounts too; other values replace.
Json mergeNamed(const Json& base, const Json& over);

// metadata of a child: name, namespace, labels and the controller owner reference.
Json childMeta(const api::ObjectMeta& owner, const std::string& ownerKind, const std::string& name,
               const std::map<std::string, std::string>& labels);

}  // namespace reprise::pods
