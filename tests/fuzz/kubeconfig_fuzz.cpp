// kubeconfig files. Nothing that they name is opened or run.
#include "fuzz/fuzz.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kube/config.h"

REPRISE_FUZZ_TARGET(text) {
  static const int file = memfd_create("kubeconfig", 0);
  if (ftruncate(file, 0) != 0 ||
      pwrite(file, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    std::abort();
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  const auto access = reprise::kube::kubeconfigAccess({path});
  if (access)
    reprise::fuzz::require(!access->server.empty(), "what is accepted has a server");
  else
    reprise::fuzz::require(!access.error().message.empty(), "what is refused says why");
}
