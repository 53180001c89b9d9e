#include "signals/inbox.h"

#include <algorithm>

namespace reprise::signals {
namespace {

std::string keyOf(const DriftSignal& signal) { return signal.source + "\n" + signal.id; }

}  // namespace

Inbox::Verdict Inbox::put(const std::string& owner, DriftSignal signal, const std::string& digest,
                          Time at) {
  const std::lock_guard lock(mutex_);
  auto& box = owners_[owner];
  const std::string key = keyOf(signal);
  for (const auto& [known, of] : box.remembered) {
    if (known == key) return of == digest ? Verdict::Duplicate : Verdict::Reused;
  }
  if (box.pending.size() >= kMaxPending) return Verdict::Full;
  box.pending.push_back({std::move(signal), at});
  box.remembered.emplace_back(key, digest);
  if (box.remembered.size() > kMaxRemembered) box.remembered.pop_front();
  return Verdict::Taken;
}

std::vector<Received> Inbox::pending(const std::string& owner) const {
  const std::lock_guard lock(mutex_);
  const auto it = owners_.find(owner);
  if (it == owners_.end()) return {};
  return {it->second.pending.begin(), it->second.pending.end()};
}

void Inbox::done(const std::string& owner, const std::vector<Received>& handled) {
  const std::lock_guard lock(mutex_);
  const auto it = owners_.find(owner);
  if (it == owners_.end()) return;
  std::erase_if(it->second.pending, [&](const Received& one) {
    return std::any_of(handled.begin(), handled.end(), [&](const Received& other) {
      return keyOf(one.signal) == keyOf(other.signal);
    });
  });
}

void Inbox::forget(const std::string& owner) {
  const std::lock_guard lock(mutex_);
  owners_.erase(owner);
}

}  // namespace reprise::signals
