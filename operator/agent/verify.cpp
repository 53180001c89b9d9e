#include "agent/verify.h"

#include <algorithm>

#include "agent/golden.h"
#include "agent/metrics.h"

namespace reprise::agent {
namespace {

using nlohmann::json;

constexpr Milliseconds kPause{500};
constexpr Milliseconds kOneRequest{30'000};

// A server that is still loading its model: most answer so.
bool stillStarting(int status) {
  for (const int each : {404, 408, 425, 429, 502, 503, 504}) {
    if (status == each) return true;
  }
  return false;
}

std::string head(const std::string& body) { return body.substr(0, 200); }

class Asker {
 public:
  Asker(const VerifyOptions& options, http::Transport& transport, const Clock& clock,
        const std::function<void(Milliseconds)>& sleep)
      : options_(options),
        transport_(transport),
        clock_(clock),
        sleep_(sleep),
        until_(clock.steady() + options.timeout) {}

  // Any answer to a GET will do: without examples nothing is known about requests.
  Ending reach() {
    return wait(
        {"GET", options_.url + "/", {}, {}}, [](const http::Response&) { return true; },
        [](const http::Response&) {
          return ended("Verified", "the server answers; there are no golden requests");
        });
  }

  Ending ask(const std::vector<GoldenExample>& examples) {
    for (std::size_t i = 0; i < examples.size(); ++i) {
      // The time-out is for the server's start, not for how many requests there are.
      if (i > 0) until_ = clock_.steady() + kOneRequest;
      const http::Request request{"POST",
                                  options_.url + inferencePath(options_.protocol, options_.model),
                                  {{"Content-Type", "application/json"}},
                                  examples[i].request.dump()};
      // Once it has answered one rightly, it has started.
      const auto good = [i](const http::Response& response) {
        return i > 0 || !stillStarting(response.status);
      };
      Ending ending = wait(request, good, [&](const http::Response& response) {
        return judge(i, examples[i], response);
      });
      if (ending.exitCode != 0) return ending;
    }
    return ended("Verified", std::to_string(examples.size()) +
                                 " golden requests were answered as they must be");
  }

 private:
  template <class Good, class Judge>
  Ending wait(const http::Request& request, Good good, Judge judge) {
    for (;;) {
      auto response = transport_.send(request, std::clamp(left(), Milliseconds{1}, kOneRequest));
      if (response && good(*response)) return judge(*response);
      const std::string seen =
          response ? "HTTP " + std::to_string(response->status) + " " + head(response->body)
                   : response.error().message;
      if (left() <= kPause) {
        return ended("ServerUnreachable",
                     "the model server did not answer " + request.method + " " + request.url +
                         " in time (" + formatDuration(options_.timeout) +
                         " from the start); last seen: " + seen,
                     1);
      }
      sleep_(kPause);
    }
  }

  Milliseconds left() const {
    return std::chrono::duration_cast<Milliseconds>(until_ - clock_.steady());
  }

  Ending judge(std::size_t index, const GoldenExample& example,
               const http::Response& response) const {
    const auto failed = [&](const std::string& why) {
      return ended("GoldenRequestsFailed",
                   "golden request " + std::to_string(index + 1) + " of examples.jsonl: " + why, 1);
    };
    if (response.status != 200)
      return failed("HTTP " + std::to_string(response.status) + " " + head(response.body));
    const json actual = json::parse(response.body, nullptr, false);
    if (actual.is_discarded()) return failed("the response is not JSON: " + head(response.body));
    const std::string found = difference(example.response, actual, example.tolerance);
    if (!found.empty()) return failed(found);
    return ended("Verified", "");
  }

  const VerifyOptions& options_;
  http::Transport& transport_;
  const Clock& clock_;
  const std::function<void(Milliseconds)>& sleep_;
  SteadyTime until_;
};

}  // namespace

Ending verify(const VerifyOptions& options, http::Transport& transport, const Clock& clock,
              const std::function<void(Milliseconds)>& sleep) {
  auto metrics = readMetrics(options.metrics);
  if (!metrics) {
    if (metrics.error().code != ErrorCode::NotFound)
      return ended("MetricsMalformed", metrics.error().message, 1);
    return ended("MetricsMissing",
                 options.metrics.string() +
                     " is missing; a step must write an object of numbers into it, {} for none",
                 1);
  }
  const auto with = [&](Ending ending) {
    ending.more["metrics"] = *metrics;
    return ending;
  };
  if (options.url.empty())
    return with(ended("Verified", "the steps completed; no server was asked"));
  Asker asker(options, transport, clock, sleep);
  if (options.examples.empty() || !std::filesystem::exists(options.examples))
    return with(asker.reach());
  auto examples = readExamples(options.examples);
  if (!examples) return with(ended("ExamplesMalformed", examples.error().message, 1));
  return with(asker.ask(*examples));
}

}  // namespace reprise::agent
