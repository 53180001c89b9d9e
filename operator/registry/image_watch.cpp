#include "registry/image_watch.h"

#include <algorithm>

#include "registry/image_reference.h"

namespace reprise::registry {
namespace {

// A tag that is not there is asked for again soon: somebody is about to push it.
constexpr auto kRetry = std::chrono::seconds(10);

std::string reasonOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidArgument: return "InvalidImage";
    case ErrorCode::NotFound: return "ImageNotFound";
    case ErrorCode::Forbidden: return "RegistryForbidden";
    default: return "RegistryUnavailable";
  }
}

}  // namespace

ImageWatch::ImageWatch(OciRegistry& registry, const Clock& clock,
                       std::function<void(const std::string&)> changed)
    : registry_(registry), clock_(clock), changed_(std::move(changed)) {}

ImageWatch::~ImageWatch() { stop(); }

void ImageWatch::start() {
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

void ImageWatch::stop() {
  thread_.request_stop();
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::optional<ImageFact> ImageWatch::look(const std::string& image, Milliseconds interval) {
  if (auto parsed = parseImageReference(image); !parsed) {
    return ImageFact{{}, "InvalidImage", parsed.error().message, clock_.now()};
  } else if (!parsed->digest.empty()) {
    return ImageFact{parsed->pinned(parsed->digest), {}, {}, clock_.now()};
  }
  std::lock_guard lock(mutex_);
  const auto fact = facts_.find(image);
  const Milliseconds wait = fact != facts_.end() && fact->second.reference.empty()
                                ? std::min<Milliseconds>(interval, kRetry)
                                : interval;
  if (fact == facts_.end() || clock_.now() - fact->second.checkedAt >= wait) {
    wanted_.emplace(image, clock_.steady());
    wake_.notify_all();
  }
  if (fact == facts_.end()) return std::nullopt;
  return fact->second;
}

void ImageWatch::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, stop, [&] { return !wanted_.empty(); })) return;
    }
    step(stop);
  }
}

bool ImageWatch::step(std::stop_token stop) {
  std::string image;
  {
    std::lock_guard lock(mutex_);
    if (wanted_.empty()) return false;
    const auto oldest =
        std::min_element(wanted_.begin(), wanted_.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    image = oldest->first;
    wanted_.erase(oldest);
  }
  ask(image, stop);
  return true;
}

void ImageWatch::ask(const std::string& image, std::stop_token stop) {
  auto resolved = registry_.resolve(image, stop);
  if (stop.stop_requested()) return;
  ImageFact fact;
  fact.checkedAt = clock_.now();
  if (resolved) {
    fact.reference = *resolved;
  } else {
    fact.reason = reasonOf(resolved.error().code);
    fact.message = resolved.error().message;
  }
  bool changed = false;
  {
    std::lock_guard lock(mutex_);
    ImageFact& known = facts_[image];
    // A registry that does not answer for a moment does not make us forget what the tag was.
    if (fact.reference.empty() && fact.reason == "RegistryUnavailable" &&
        !known.reference.empty()) {
      known.checkedAt = fact.checkedAt;
      return;
    }
    changed = known.reference != fact.reference || known.reason != fact.reason;
    known = fact;
  }
  if (changed) changed_(image);
}

}  // namespace reprise::registry
