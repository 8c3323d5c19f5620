// cooper4j/log.h, for those who say something.
#pragma once

#include <string>

#include "cooper4j/log.h"

namespace cooper4j {

/// Whether somebody listens; else no line need be made.
bool is_logging();

/// Says a line unless it was said.
void log_once(const std::string& line);

}  // namespace cooper4j
