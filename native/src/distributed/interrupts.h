// How a wait for other processes may end early.
#pragma once

namespace cooper4j::distributed {

/// Whether somebody wants this thread's waits to end; Java sets it.
void set_interrupt_check(bool (*is_interrupted)());

}  // namespace cooper4j::distributed
