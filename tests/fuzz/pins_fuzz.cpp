// requirements.txt and environments, as they lie in images that others made.
#include "fuzz/fuzz.h"

#include "agent/environment.h"

using namespace reprise;

REPRISE_FUZZ_TARGET(text) {
  const auto pins = agent::parsePackagePins(text, "requirements.txt");
  if (!pins) fuzz::require(!pins.error().message.empty(), "what is refused says why");
  const auto json = fuzz::parse(text);
  const auto environment = json.is_discarded()
                               ? Expected<agent::Environment>(agent::Environment{})
                               : agent::environmentFromJson(json, "environment.json");
  if (!environment) return;
  const auto again = agent::environmentFromJson(agent::toJson(*environment), "again");
  fuzz::require(again && agent::changesBetween(*environment, *again).empty(),
                "an environment that was written is another one");
  if (pins) (void)agent::pinMismatch(*environment, "3.11", *pins);
  for (std::string_view name : {text.substr(0, std::min<std::size_t>(text.size(), 64))}) {
    const std::string normal = agent::normalizePackage(name);
    fuzz::require(agent::normalizePackage(normal) == normal,
                  "a normalised name is normalised further");
  }
}
