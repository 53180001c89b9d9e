#include "signals/shadow_scores.h"

#include <algorithm>
#include <set>

namespace reprise::signals {
namespace {

using nlohmann::json;

constexpr auto kReadDeadline = std::chrono::seconds(2);
constexpr auto kScoreDeadline = std::chrono::seconds(30);  // the monitor itself stops at 25 s
constexpr std::size_t kBlockRows = 50;  // as the monitor's own blocks: times are as fine as these
constexpr std::size_t kBatch = 500;     // rows of one look; what is left is for the next one

}  // namespace

ShadowScores::ShadowScores(std::shared_ptr<http::Transport> transport, Milliseconds interval,
                           std::function<void(const std::string&)> changed)
    : transport_(std::move(transport)), interval_(interval), changed_(std::move(changed)) {}

ShadowScores::~ShadowScores() { stop(); }

void ShadowScores::start() {
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

void ShadowScores::stop() {
  thread_.request_stop();
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ShadowScores::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, interval_, [] { return false; });
    }
    step(stop);
  }
}

void ShadowScores::watch(const std::string& owner, const std::string& serving,
                         std::vector<MonitorTarget> ready) {
  std::lock_guard lock(mutex_);
  if (ready.empty()) {
    owners_.erase(owner);
    return;
  }
  auto& known = owners_[owner];
  known.serving = serving;
  known.pods = std::move(ready);
  std::set<std::string> uids, versions;
  for (const auto& pod : known.pods) {
    uids.insert(pod.uid);
    versions.insert(pod.version);
  }
  std::erase_if(known.cursors, [&](const auto& one) { return !versions.contains(one.first); });
  std::erase_if(known.blocks, [&](const auto& one) { return !versions.contains(one.first); });
  for (auto& [version, cursors] : known.cursors)
    std::erase_if(cursors, [&](const auto& one) { return !uids.contains(one.first); });
}

std::vector<drift::LabelBlock> ShadowScores::scores(const std::string& owner) const {
  std::lock_guard lock(mutex_);
  std::vector<drift::LabelBlock> out;
  const auto it = owners_.find(owner);
  if (it == owners_.end()) return out;
  for (const auto& [version, blocks] : it->second.blocks) {
    // of the time before it served: its own feedback tells more
    if (version != it->second.serving) out.insert(out.end(), blocks.begin(), blocks.end());
  }
  return out;
}

void ShadowScores::step(std::stop_token stop) {
  std::map<std::string, std::pair<std::string, std::vector<MonitorTarget>>> all;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [owner, known] : owners_) all[owner] = {known.serving, known.pods};
  }
  for (const auto& [owner, known] : all) {
    const auto& [serving, pods] = known;
    std::map<std::string, MonitorTarget> scorers;  // one a version: they all answer the same
    for (const auto& pod : pods) {
      if (pod.version != serving) scorers.emplace(pod.version, pod);
    }
    bool news = false;
    for (const auto& from : pods) {
      if (from.version != serving) continue;
      for (const auto& [version, by] : scorers) {
        if (stop.stop_requested()) return;
        news |= score(owner, from, by, stop);
      }
    }
    if (news) changed_(owner);
  }
}

// The rows that came to `from` since `by` was asked last. A Pod that does not answer is asked
// again at the next look, for the same rows.
bool ShadowScores::score(const std::string& owner, const MonitorTarget& from,
                         const MonitorTarget& by, std::stop_token stop) {
  Cursor cursor;
  {
    std::lock_guard lock(mutex_);
    const auto it = owners_.find(owner);
    if (it == owners_.end()) return false;
    cursor = it->second.cursors[by.version][from.uid];
  }
  const auto keep = [&](const Cursor& now, std::optional<drift::LabelBlock> block) {
    std::lock_guard lock(mutex_);
    const auto it = owners_.find(owner);
    if (it == owners_.end()) return;
    it->second.cursors[by.version][from.uid] = now;
    if (!block) return;
    auto& blocks = it->second.blocks[by.version];
    blocks.push_back(std::move(*block));
    if (blocks.size() > kMaxBlocks) blocks.pop_front();
  };
  auto response = transport_->send(
      {"GET",
       "http://" + from.address + "/labelled?after=" + std::to_string(cursor.after) +
           "&limit=" + std::to_string(kBatch),
       {},
       {}},
      kReadDeadline, stop, kMaxAnswer);
  if (!response || response->status != 200) return false;
  const auto answer = parseLabelled(response->body);
  if (!answer) return false;
  if (answer->instance != cursor.instance) {
    const bool restarted = !cursor.instance.empty();
    cursor = {answer->instance, restarted ? 0 : cursor.after};
    keep(cursor, std::nullopt);
    if (restarted) return false;  // its numbers begin anew: asked from the beginning next
  }
  bool news = false;
  const auto& rows = answer->rows;
  for (std::size_t begin = 0; begin < rows.size(); begin += kBlockRows) {
    const std::size_t end = std::min(rows.size(), begin + kBlockRows);
    json body = {{"rows", json::array()}};
    std::int64_t firstMs = rows[begin].atMs, lastMs = firstMs;
    for (std::size_t i = begin; i < end; ++i) {
      body["rows"].push_back(rows[i].row);
      firstMs = std::min(firstMs, rows[i].atMs);
      lastMs = std::max(lastMs, rows[i].atMs);
    }
    const auto scored =
        transport_->send({"POST",
                          "http://" + by.address + "/score",
                          {{"content-type", "application/json"}},
                          body.dump(-1, ' ', false, json::error_handler_t::replace)},
                         kScoreDeadline, stop, kMaxAnswer);
    if (!scored || scored->status != 200) return news;
    auto block = parseScore(scored->body, by.version);
    if (!block) return news;
    block->answeredBy = from.version;
    block->firstMs = firstMs;
    block->lastMs = lastMs;
    cursor.after = rows[end - 1].seq;
    keep(cursor, block->n > 0 ? std::optional(std::move(*block)) : std::nullopt);
    news = true;
  }
  return news;
}

}  // namespace reprise::signals
