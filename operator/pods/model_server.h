// The container in which the user's model server runs.
#pragma once

#include <optional>
#include <string>

#include "api/model_deployment.h"
#include "pods/parts.h"

namespace reprise::pods {

// The container "server" of spec.template; null if there is none.
Json serverTemplate(const api::ModelDeployment& deployment);
// Its first containerPort, else 8080.
int serverPort(const Json& server);
// What is wrong with the template, as a sentence that names the field and the mend.
std::optional<std::string> badServerTemplate(const api::ModelDeployment& deployment);

}  // namespace reprise::pods
