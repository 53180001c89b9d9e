// Profiles and bases, as they come from ModelVersions and from the monitors of Pods.
#include "fuzz/fuzz.h"

#include <cmath>

#include "drift/distance.h"
#include "drift/profile.h"

using namespace reprise;

REPRISE_FUZZ_TARGET(text) {
  if (auto profile = drift::Profile::parse(text)) {
    const auto again = drift::Profile::fromJson(profile->toJson());
    fuzz::require(again && *again == *profile, "a profile that was written is another one");
    drift::Profile twice = *profile;
    if (twice.merge(*profile))
      fuzz::require(twice.rows() == 2 * profile->rows(), "merged it has not the rows of both");
    if (const auto apart = drift::distance(*profile, *profile)) {
      fuzz::require(
          std::isfinite(apart->effect) && std::isfinite(apart->z) && std::isfinite(apart->pValue),
          "a distance is no number");
    }
    (void)drift::frechet(*profile, *profile);
    (void)drift::perFeature(*profile, *profile);
  }
  const auto json = fuzz::parse(text);
  if (json.is_discarded()) return;
  if (auto basis = drift::Basis::fromJson(json)) {
    const auto again = drift::Basis::fromJson(basis->toJson());
    fuzz::require(again && again->id() == basis->id(), "a basis that was written is another one");
    drift::Row row(basis->features().size());
    drift::Profile profile(*basis);
    fuzz::require(profile.add(*basis, row).has_value(), "a row of missing values is refused");
    fuzz::require(profile.addPrediction(*basis, drift::Cell()).has_value(),
                  "a missing answer is refused");
  }
  if (auto document = drift::ProfileDocument::fromJson(json)) {
    const auto again = drift::ProfileDocument::fromJson(document->toJson());
    fuzz::require(again && again->profile == document->profile,
                  "a document that was written is another one");
  }
}
