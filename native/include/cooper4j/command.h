// The commands `inspect` and `convert`, for the native binary and for Java alike.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "cooper4j/export.h"

namespace cooper4j {

/// Runs a command with its arguments. Returns the exit code: 0, 1 if a file failed, 2 for wrong
/// usage, which gets one line on `err`.
COOPER4J_EXPORT int run_command(const std::vector<std::string>& arguments, std::ostream& out,
                                std::ostream& err);

}  // namespace cooper4j
