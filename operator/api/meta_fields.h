// Fields that several kinds have.
#pragma once

#include "api/field.h"
#include "api/meta.h"

namespace reprise::api {

template <class V>
void fields(V& v, Of<Condition>) {
  v("type", &Condition::type,
    {.doc = "What the condition is about.", .required = true, .always = true, .max = 316});
  v("status", &Condition::status,
    {.doc = "Whether it holds.", .required = true, .always = true, .oneOf = "True|False|Unknown"});
  v("observedGeneration", &Condition::observedGeneration,
    {.doc = "The metadata.generation that it was said of.", .min = 0});
  v("lastTransitionTime", &Condition::lastTransitionTime,
    {.doc = "When status changed last.", .required = true, .always = true});
  v("reason", &Condition::reason,
    {.doc = "Why, in one CamelCase word.",
     .required = true,
     .always = true,
     .min = 1,
     .max = 1024});
  v("message", &Condition::message,
    {.doc = "Why, in a sentence that says what to do.",
     .required = true,
     .always = true,
     .max = 32768});
}

inline constexpr const char* kConditionsDoc = "What holds now, one entry a type.";

}  // namespace reprise::api
