// Runs a continuation of cpprestsdk's tasks on the thread that completes the task: for those that
// are over at once. On the library's pool each would wake a thread of it first.
#pragma once

#include <memory>

#include <pplx/pplxtasks.h>

namespace reprise::http {

struct AtOnce final : pplx::scheduler_interface {
  void schedule(pplx::TaskProc_t work, void* with) override { work(with); }
  static pplx::task_options option() {
    static const auto one = std::make_shared<AtOnce>();
    return pplx::task_options(pplx::scheduler_ptr(one));
  }
};

}  // namespace reprise::http
