// A variable of the process's environment.
#pragma once

#include <cstdlib>
#include <string>

namespace reprise::kube {

// "" where it is not set.
inline std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace reprise::kube
