// Golden requests: examples.jsonl of a training step.
#include "fuzz/fuzz.h"

#include "agent/golden.h"

using namespace reprise;

REPRISE_FUZZ_TARGET(text) {
  const auto examples = agent::parseExamples(text, "examples.jsonl");
  if (!examples)
    return fuzz::require(!examples.error().message.empty(), "what is refused says why");
  fuzz::require(!examples->empty(), "no example is no file of examples");
  for (const auto& one : *examples) {
    fuzz::require(agent::difference(one.response, one.response, one.tolerance).empty(),
                  "an answer differs from itself");
    (void)agent::difference(one.response, one.request, one.tolerance);
  }
}
