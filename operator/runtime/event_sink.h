// Where events go. Never blocks and never fails: an event is a courtesy, status is the record.
#pragma once

#include "api/plan.h"
#include "runtime/subject.h"

namespace reprise::runtime {

class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void record(const Subject& about, const api::EventDraft& event) = 0;
};

}  // namespace reprise::runtime
