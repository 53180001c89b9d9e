// What the manager starts and stops: caches, the election, controllers, servers.
#pragma once

#include <string>

namespace reprise::runtime {

class Runnable {
 public:
  virtual ~Runnable() = default;
  virtual std::string name() const = 0;
  // Returns at once; the work is done on threads that this object owns.
  virtual void start() = 0;
  // Ends them and waits for it. False where something could not be ended in its time and still
  // runs.
  virtual bool stop() = 0;
  // Of a cache: it has seen everything that exists once.
  virtual bool synced() const { return true; }
};

}  // namespace reprise::runtime
