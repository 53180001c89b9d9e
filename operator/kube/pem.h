// Certificates and keys as configuration holds them.
#pragma once

#include <string>

#include "base/result.h"

namespace reprise::kube {

// Standard base64, with white space anywhere. `field` names it in the error.
Expected<std::string> decodeBase64(const std::string& text, const std::string& field);
std::string encodeBase64(const std::string& bytes);

// Whether it is PEM at all; an empty file is one that is being written. `field` names it in the
// error.
Expected<std::string> checkPem(std::string pem, const std::string& field);

}  // namespace reprise::kube
