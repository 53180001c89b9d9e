// Keeps an eye on the digests of tags, away from the workers: a registry that is slow blocks no
// reconcile.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/time.h"
#include "registry/image_fact.h"
#include "registry/oci.h"

namespace reprise::registry {

class ImageWatch {
 public:
  // `changed` is called, on the thread of the watch, with the image whose fact became another one.
  ImageWatch(OciRegistry& registry, const Clock& clock,
             std::function<void(const std::string& image)> changed);
  ~ImageWatch();
  void start();
  void stop();
  // Asks for the image that has waited longest, if one waits: what the thread does, for tests.
  // False where none did.
  bool step(std::stop_token stop = {});

  // The last fact, if any; and it is asked again as soon as it is older than `interval`. A digest
  // in the name is answered at once.
  std::optional<ImageFact> look(const std::string& image, Milliseconds interval);

 private:
  void run(std::stop_token stop);
  void ask(const std::string& image, std::stop_token stop);

  OciRegistry& registry_;
  const Clock& clock_;
  std::function<void(const std::string&)> changed_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::map<std::string, ImageFact> facts_;
  std::map<std::string, SteadyTime> wanted_;  // by image: asked for, not asked yet; since when
  std::jthread thread_;
};

}  // namespace reprise::registry
