// What the library says about its own choices: how many threads it takes, and why something goes by
// a slower way. Each line once in a process, and to nobody unless a program asks for it.
//
// Threads: any.
#pragma once

#include <string>

#include "cooper4j/export.h"

namespace cooper4j {

/// Receives a line without its end, in any thread, from inside of a training step.
using Logger = void (*)(const std::string& line);

/// Says what follows to `logger`, or to nobody (null). To be called before the first step.
COOPER4J_EXPORT void set_logger(Logger logger);

}  // namespace cooper4j
