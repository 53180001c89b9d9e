// Names of images.
#include "fuzz/fuzz.h"

#include "registry/image_reference.h"

using namespace reprise;

REPRISE_FUZZ_TARGET(text) {
  const auto image = registry::parseImageReference(text);
  if (!image) return fuzz::require(!image.error().message.empty(), "what is refused says why");
  fuzz::require(!image->registry.empty() && !image->repository.empty(),
                "registry or repository is empty");
  const std::string digest = "sha256:" + std::string(64, 'a');
  const auto pinned = registry::parseImageReference(image->pinned(digest));
  fuzz::require(pinned.has_value(), "pinned it cannot be read: " + image->pinned(digest));
  fuzz::require(pinned->registry == image->registry && pinned->repository == image->repository &&
                    pinned->digest == digest,
                "pinned it is another image: " + image->pinned(digest));
}
