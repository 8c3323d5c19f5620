#include "distributed/interrupts.h"

#include <atomic>

namespace cooper4j::distributed {
namespace {

std::atomic<bool (*)()> interrupt_check{nullptr};

}  // namespace

void set_interrupt_check(bool (*is_interrupted)()) { interrupt_check = is_interrupted; }

bool is_interrupted() {
  const auto check = interrupt_check.load();
  return check != nullptr && check();
}

}  // namespace cooper4j::distributed
