// Whether a wait shall end before what it waits for has come.
#pragma once

namespace cooper4j::distributed {

/// Whether somebody wants this thread's waits to end; Java sets it.
void set_interrupt_check(bool (*is_interrupted)());
bool is_interrupted();

}  // namespace cooper4j::distributed
