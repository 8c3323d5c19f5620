// Files whose format is told by their content.
#pragma once

#include <filesystem>

#include "cooper4j/checkpoint.h"

namespace cooper4j {

/// Reads a checkpoint of either format.
Document load_any(const std::filesystem::path& path, const LoadOptions& options = {});

}  // namespace cooper4j
