#include "agent/monitor/windows.h"

#include <algorithm>

namespace reprise::agent::monitor {

Windows::Windows(drift::Basis basis, std::size_t rows, Milliseconds age, const Clock& clock,
                 DriftScore* score)
    : basis_(std::move(basis)),
      rows_(std::max<std::size_t>(1, rows)),
      age_(age),
      clock_(clock),
      score_(score),
      open_(basis_) {}

bool Windows::add(const drift::Row& row, std::int64_t arrivedMs, const std::string& context,
                  const drift::Cell* answer) {
  std::lock_guard lock(mutex_);
  if (!open_.add(basis_, row)) return false;
  if (answer) (void)open_.addPrediction(basis_, *answer);
  if (open_.rows() == 1) {
    firstMs_ = lastMs_ = arrivedMs;
    opened_ = clock_.steady();
  }
  firstMs_ = std::min(firstMs_, arrivedMs);
  lastMs_ = std::max(lastMs_, arrivedMs);
  if (!context.empty()) {
    const bool room = contexts_.size() < kMaxContexts || contexts_.contains(context);
    ++contexts_[room ? context : "other"];
  }
  return static_cast<std::size_t>(open_.rows()) >= rows_ && close();
}

bool Windows::tick() {
  std::lock_guard lock(mutex_);
  return open_.rows() > 0 && clock_.steady() - opened_ >= age_ && close();
}

bool Windows::flush() {
  std::lock_guard lock(mutex_);
  return open_.rows() > 0 && close();
}

// Written once, read by each poll.
bool Windows::close() {
  nlohmann::json out = {
      {"seq", ++seq_}, {"firstMs", firstMs_}, {"lastMs", lastMs_}, {"rows", open_.rows()}};
  if (!contexts_.empty()) out["contexts"] = contexts_;
  out["profile"] = open_.toJson();
  closed_.push_back({seq_, out.dump()});
  if (score_) score_->add(open_);
  if (closed_.size() > kKeptWindows) closed_.pop_front();
  open_ = drift::Profile(basis_);
  contexts_.clear();
  return true;
}

std::string Windows::json(std::int64_t after) const {
  std::lock_guard lock(mutex_);
  std::string out = "[";
  for (const auto& window : closed_) {
    if (window.seq <= after) continue;
    if (out.size() > 1 && out.size() + window.json.size() > kWindowsAnswer) break;
    if (out.size() > 1) out += ',';
    out += window.json;
  }
  return out += ']';
}

std::int64_t Windows::lastSeq() const {
  std::lock_guard lock(mutex_);
  return seq_;
}

}  // namespace reprise::agent::monitor
