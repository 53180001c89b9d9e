// Labels and annotations of the project, in one place.
#pragma once

namespace reprise::api {

// Labels of children.
inline constexpr const char* kManagedBy = "app.kubernetes.io/managed-by";  // = "reprise"
inline constexpr const char* kModelLabel = "reprise.dev/model";
inline constexpr const char* kPipelineLabel = "reprise.dev/pipeline";
inline constexpr const char* kRunLabel = "reprise.dev/run";
inline constexpr const char* kPurposeLabel = "reprise.dev/purpose";  // train, check
inline constexpr const char* kDeploymentLabel = "reprise.dev/deployment";
inline constexpr const char* kVersionLabel = "reprise.dev/version";

// On a ModelVersion, by the user: the kind of data that it is for, by name.
inline constexpr const char* kContextLabel = "reprise.dev/context";

// Commands from the user: each with a fresh token as the value, recorded in status once handled.
inline constexpr const char* kRunAtAnnotation = "reprise.dev/run-at";
inline constexpr const char* kRetryAnnotation = "reprise.dev/retry";

// On a Job: which request it answers.
inline constexpr const char* kTriggerIdAnnotation = "reprise.dev/trigger-id";

}  // namespace reprise::api
