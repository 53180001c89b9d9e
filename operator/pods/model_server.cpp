#include "pods/model_server.h"

namespace reprise::pods {

Json serverTemplate(const api::ModelDeployment& deployment) {
  const Json& pod = deployment.spec.template_;
  if (!pod.is_object() || !pod.contains("spec") || !pod["spec"].is_object()) return nullptr;
  return findByName(pod["spec"].value("containers", Json()), "server");
}

int serverPort(const Json& server) {
  if (server.is_object()) {
    if (const auto ports = server.find("ports");
        ports != server.end() && ports->is_array() && !ports->empty()) {
      if (const Json& first = ports->front(); first.is_object()) {
        const auto port = first.find("containerPort");
        if (port != first.end() && port->is_number_integer()) return port->get<int>();
      }
    }
  }
  return 8080;
}

std::optional<std::string> badServerTemplate(const api::ModelDeployment& deployment) {
  if (auto bad = badPodTemplate(deployment.spec.template_, "spec.template")) return bad;
  const Json server = serverTemplate(deployment);
  if (server.is_null()) {
    return "spec.template.spec.containers has no container named 'server'; name the container that "
           "serves the model so";
  }
  if (server.contains("image")) {
    return "spec.template.spec.containers[server].image must be left out: a version is served in "
           "the image that "
           "trained it, by digest";
  }
  for (const int taken : {9090, 9091}) {
    if (serverPort(server) == taken) {
      return "spec.template.spec.containers[server].ports: port " + std::to_string(taken) +
             " belongs to the monitor sidecar; choose another one";
    }
  }
  return std::nullopt;
}

}  // namespace reprise::pods
