// Our kinds as JSON: what is decoded and encoded is decoded to the same again.
#include "fuzz/fuzz.h"

#include "api/codec.h"
#include "json/view.h"

using namespace reprise;

namespace {

template <class Kind>
void roundTrip(Expected<Kind> (*decode)(JsonView), JsonView object) {
  const auto first = decode(object);
  if (!first) return fuzz::require(!first.error().message.empty(), "what is refused says why");
  const nlohmann::json again = {{"spec", api::encode(first->spec)},
                                {"status", api::encode(first->status)}};
  const auto second = decode(JsonText(again));
  fuzz::require(second.has_value(),
                "what was encoded cannot be decoded: " + (second ? "" : second.error().message));
  fuzz::require(api::encode(second->spec) == again["spec"],
                "the spec is another one: " + again["spec"].dump());
  fuzz::require(api::encode(second->status) == again["status"],
                "the status is another one: " + again["status"].dump());
}

}  // namespace

REPRISE_FUZZ_TARGET(text) {
  JsonReader reader;
  const auto object = reader.read(text);
  if (!object) return;
  roundTrip(api::decodeTrainingPipeline, *object);
  roundTrip(api::decodeModelVersion, *object);
  roundTrip(api::decodeModelDeployment, *object);
}
