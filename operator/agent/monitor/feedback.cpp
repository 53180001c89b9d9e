#include "agent/monitor/feedback.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/monitor/json_read.h"

namespace reprise::agent::monitor {

using nlohmann::json;

void Feedback::remember(const std::string& id, std::int64_t arrivedMs,
                        std::vector<Prediction> predictions, std::string path, std::string body) {
  std::lock_guard lock(mutex_);
  const auto at = requests_.try_emplace(id).first;
  Request& request = at->second;
  bodyBytes_ -= request.body.size();
  if (body.empty()) std::string().swap(path);  // it is of use with the body only
  request = {arrivedMs, ++serial_, std::move(predictions), std::move(path), std::move(body), false};
  order_.emplace_back(&at->first, serial_);
  if (!request.body.empty()) {
    bodyBytes_ += request.body.size();
    bodies_.emplace_back(&at->first, serial_);
  }
  if (const auto early = waiting_.take(id)) {
    Taken ignored;
    apply(*early, request, ignored);
  }
  forgetOld();
}

void Feedback::forgetOld() {
  const auto oldest = [&](auto& order) -> Request* {
    const auto it = requests_.find(*order.front().first);
    return it->second.serial == order.front().second ? &it->second : nullptr;
  };
  while (bodyBytes_ > 2 * options_.labelledBytes && !bodies_.empty()) {
    if (Request* request = oldest(bodies_)) {
      bodyBytes_ -= request->body.size();
      std::string().swap(request->body);
    }
    bodies_.pop_front();
  }
  while (order_.size() > options_.remembered) {
    if (Request* request = oldest(order_)) {
      bodyBytes_ -= request->body.size();
      requests_.erase(requests_.find(*order_.front().first));
    }
    order_.pop_front();
  }
  // what is gone from the one list may still be named in the other
  while (!bodies_.empty() && (order_.empty() || bodies_.front().second < order_.front().second)) {
    bodies_.pop_front();
  }
}

Feedback::Taken Feedback::take(std::vector<Label> labels, bool relayed) {
  wantsBodies_ = true;
  std::lock_guard lock(mutex_);
  Taken taken;
  for (auto& label : labels) {
    const auto it = requests_.find(label.id);
    if (it != requests_.end()) {
      apply(label, it->second, taken);
      continue;
    }
    ++taken.waiting;  // its request may still be in the queue
    waiting_.add(std::move(label), relayed, clock_.steady());
  }
  return taken;
}

void Feedback::apply(const Label& label, Request& request, Taken& taken) {
  if (request.labelled) {
    ++taken.repeated;
    return;
  }
  const double before = total_.sum;
  const auto n = total_.n;
  if (label.isError) {
    score(request.arrivedMs, label.error);
  } else {
    const bool many = label.label.is_array();
    const std::size_t count = many ? label.label.size() : 1;
    if (count != request.predictions.size()) {
      ++taken.unscored;  // the answer's predictions are not known, or are another number
      return;
    }
    json errors = json::array();
    for (std::size_t i = 0; i < count; ++i) {
      const json& one = many ? label.label[i] : label.label;
      errors.emplace_back();
      if (one.is_null()) continue;
      const double error = errorOf(request.predictions[i], {cellOf(one), one.is_number_float()});
      score(request.arrivedMs, error);
      errors.back() = error;
    }
    if (!request.body.empty()) {
      bodyBytes_ -= request.body.size();
      rows_.push_back({++rowSeq_, std::move(request.body),
                       label.label.dump(-1, ' ', false, json::error_handler_t::replace),
                       errors.dump(), request.path, request.arrivedMs});
      request.body.clear();
      rowBytes_ += rows_.back().bytes();
      while (rowBytes_ > options_.labelledBytes) {
        rowBytes_ -= rows_.front().bytes();
        rows_.pop_front();
      }
    }
  }
  request.labelled = true;
  ++taken.known;
  if (total_.n > n) taken.errorSum += total_.sum - before;
}

void Feedback::score(std::int64_t ms, double error) {
  if (open_.errors.n == 0) {
    open_.firstMs = open_.lastMs = ms;
    opened_ = clock_.steady();
  }
  open_.firstMs = std::min(open_.firstMs, ms);
  open_.lastMs = std::max(open_.lastMs, ms);
  open_.errors.add(error);
  total_.add(error);
  if (static_cast<std::size_t>(open_.errors.n) >= options_.blockRows) close();
}

void Feedback::close() {
  open_.seq = ++seq_;
  blocks_.push_back(open_);
  if (blocks_.size() > kKeptBlocks) blocks_.pop_front();
  open_ = {};
}

void Feedback::tick() {
  std::lock_guard lock(mutex_);
  if (open_.errors.n > 0 && clock_.steady() - opened_ >= options_.blockAge) close();
  waiting_.tick(clock_.steady());
}

std::string Feedback::blocks(std::int64_t after) const {
  std::lock_guard lock(mutex_);
  json out = json::array();
  for (const Block& block : blocks_) {
    if (block.seq <= after) continue;
    out.push_back({{"seq", block.seq},
                   {"firstMs", block.firstMs},
                   {"lastMs", block.lastMs},
                   {"n", block.errors.n},
                   {"errorSum", block.errors.sum},
                   {"errorSqSum", block.errors.squares}});
  }
  return out.dump();
}

std::string Feedback::stray(std::int64_t after) const {
  std::lock_guard lock(mutex_);
  return waiting_.stray(after);
}

std::string Feedback::labelled(std::int64_t after, std::size_t limit) const {
  std::lock_guard lock(mutex_);
  std::string out = "{\"rows\":[";
  auto row = std::upper_bound(rows_.begin(), rows_.end(), after,
                              [](std::int64_t seq, const Row& one) { return seq < one.seq; });
  for (std::size_t n = 0; row != rows_.end() && n < limit; ++row, ++n) {
    if (n > 0 && out.size() + row->bytes() > kLabelledAnswer) break;
    if (n > 0) out += ',';
    out += fmt::format(
        "{{\"seq\":{},\"request\":{},\"label\":{},\"errors\":{},\"path\":{},\"atMs\":{}}}",
        row->seq, row->request, row->label, row->errors,
        json(row->path).dump(-1, ' ', false, json::error_handler_t::replace), row->atMs);
  }
  return out += "]}";
}

ErrorSum Feedback::total() const {
  std::lock_guard lock(mutex_);
  return total_;
}

}  // namespace reprise::agent::monitor
