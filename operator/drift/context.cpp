#include "drift/context.h"

#include <algorithm>
#include <cmath>

namespace reprise::drift {
namespace {

constexpr double kPure = 0.9;          // share of a window's rows with one name, that it is of it
constexpr std::int64_t kLookBack = 3;  // times minSamples, in which names may take turns
constexpr int kTurns = 3;              // changes of the name in there, that are turns
constexpr std::size_t kNamed = 5;      // in the text

using Counts = std::map<std::string, std::int64_t>;

std::int64_t total(const Counts& counts) {
  std::int64_t out = 0;
  for (const auto& [name, rows] : counts) out += std::max<std::int64_t>(0, rows);
  return out;
}

// "": rows of several names, or with none.
std::string pureName(const Counts& counts) {
  const auto all = static_cast<double>(total(counts));
  for (const auto& [name, rows] : counts) {
    if (!name.empty() && static_cast<double>(rows) >= kPure * all) return name;
  }
  return {};
}

std::string shares(const Counts& counts) {
  std::vector<std::pair<std::int64_t, std::string>> order;
  for (const auto& [name, rows] : counts) order.emplace_back(-rows, name);
  std::sort(order.begin(), order.end());
  const auto all = static_cast<double>(std::max<std::int64_t>(1, total(counts)));
  std::string out;
  for (std::size_t i = 0; i < std::min(kNamed, order.size()); ++i) {
    const auto percent = std::lround(-100.0 * static_cast<double>(order[i].first) / all);
    out += (i ? ", '" : "'") + order[i].second + "' " + std::to_string(percent) + " %";
  }
  return out + (order.size() > kNamed ? ", …" : "");
}

void name(ContextView& view, const std::vector<Candidate>& candidates, const std::string& serving,
          const History& history) {
  view.state = ContextView::State::Unknown;
  std::int64_t newest = 0;
  bool silent = false;
  for (const auto& one : candidates) {
    if (one.version == serving && one.context == view.name) {
      view.state = ContextView::State::Serving;
      return;
    }
    silent = silent || (one.version == serving && one.context.empty());
    const bool refused = std::find(history.refused.begin(), history.refused.end(), one.version) !=
                         history.refused.end();
    if (one.context != view.name || refused) continue;
    if (!view.version.empty() && one.createdMs <= newest) continue;
    view.state = ContextView::State::Known;
    view.version = one.version;
    newest = one.createdMs;
  }
  // A version that is for any context is not wrong for a new one: statistics decide.
  if (view.state == ContextView::State::Unknown && silent) view.state = ContextView::State::Silent;
}

}  // namespace

std::string nameOf(const Window& window) { return pureName(window.contexts); }

ContextView readContext(const std::vector<const Window*>& windows,
                        const std::vector<Candidate>& candidates, const std::string& serving,
                        const Policy& policy, const History& history) {
  ContextView out;
  const bool named = std::any_of(candidates.begin(), candidates.end(),
                                 [](const auto& one) { return !one.context.empty(); });
  if (!named) return out;
  Counts recent;
  std::string last;
  int turns = 0, mixed = 0;
  bool first = true, run = true;
  for (std::size_t i = windows.size(); i-- > 0;) {
    const auto& counts = windows[i]->contexts;
    if (total(counts) == 0) {
      if (first) return out;  // the newest say nothing
      break;
    }
    const auto pure = pureName(counts);
    if (first) out.name = pure;
    run = run && !pure.empty() && pure == out.name;
    if (run) {
      out.rows += total(counts);
      out.firstMs = windows[i]->firstMs;
    }
    for (const auto& [key, rows] : counts) recent[key] += rows;
    turns += !first && !pure.empty() && !last.empty() && pure != last;
    mixed += pure.empty();
    if (!pure.empty()) last = pure;
    first = false;
    if (total(recent) >= kLookBack * policy.minSamples) break;
    if (out.rows >= policy.minSamples) break;
  }
  if (first) return out;
  if (out.rows < policy.minSamples && (turns >= kTurns || (out.name.empty() && mixed >= 2))) {
    out.state = ContextView::State::Mixed;
    out.text = shares(recent);
    return out;
  }
  // One window of several names is a change that is going on.
  if (!out.name.empty()) name(out, candidates, serving, history);
  return out;
}

}  // namespace reprise::drift
