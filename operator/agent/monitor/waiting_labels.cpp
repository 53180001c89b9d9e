#include "agent/monitor/waiting_labels.h"

#include <algorithm>

namespace reprise::agent::monitor {
namespace {

using nlohmann::json;

std::string textOf(const Label& label) {
  const auto dumped = [](const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
  };
  const std::string id = "\"id\":" + dumped(label.id);
  return label.isError ? id + ",\"error\":" + dumped(label.error)
                       : id + ",\"label\":" + dumped(label.label);
}

}  // namespace

void WaitingLabels::add(Label label, bool relayed, SteadyTime now) {
  const auto [it, isNew] = waiting_.try_emplace(label.id);
  Waiting& one = it->second;
  if (isNew) {
    one.serial = ++serial_;
    order_.push_back({label.id, one.serial, now});
  } else {
    bytes_ -= one.bytes();
  }
  one.relayed = one.relayed || relayed;
  one.text = textOf(label);
  one.label = std::move(label);
  bytes_ += one.bytes();
  while (!order_.empty() && (order_.size() > limits_.labels || bytes_ > limits_.bytes))
    dropOldest();
}

std::optional<Label> WaitingLabels::take(const std::string& id) {
  const auto it = waiting_.find(id);
  if (it == waiting_.end()) return std::nullopt;
  bytes_ -= it->second.bytes();
  std::optional<Label> out(std::move(it->second.label));
  waiting_.erase(it);
  return out;
}

void WaitingLabels::tick(SteadyTime now) {
  while (looked_ < order_.size() && now - order_[looked_].since >= limits_.wait)
    tell(order_[looked_++]);
}

std::string WaitingLabels::stray(std::int64_t after) const {
  std::string out = "[";
  auto one = std::upper_bound(stray_.begin(), stray_.end(), after,
                              [](std::int64_t seq, const Stray& s) { return seq < s.seq; });
  for (std::size_t n = 0; one != stray_.end() && n < kStrayAnswer; ++one, ++n) {
    if (n > 0) out += ',';
    out.append("{\"seq\":").append(std::to_string(one->seq)).append(",");
    out.append(one->text).append("}");
  }
  return out += ']';
}

WaitingLabels::Waiting* WaitingLabels::at(const Place& place) {
  const auto it = waiting_.find(place.id);
  return it == waiting_.end() || it->second.serial != place.serial ? nullptr : &it->second;
}

void WaitingLabels::tell(const Place& place) {
  Waiting* one = at(place);
  if (!one || one->relayed || one->told) return;
  one->told = true;
  stray_.push_back({++seq_, one->text});
  strayBytes_ += one->text.size();
  while (stray_.size() > limits_.stray || strayBytes_ > limits_.strayBytes) {
    strayBytes_ -= stray_.front().text.size();
    stray_.pop_front();
  }
}

// One that has to go before its time may well have its request elsewhere.
void WaitingLabels::dropOldest() {
  const Place& place = order_.front();
  if (looked_ == 0)
    tell(place);
  else
    --looked_;
  if (const Waiting* one = at(place)) {
    bytes_ -= one->bytes();
    waiting_.erase(place.id);
  }
  order_.pop_front();
}

}  // namespace reprise::agent::monitor
