// Files whose format is told by their content.
#pragma once

#include <filesystem>

#include "cooper4j/document.h"

namespace cooper4j {

/// Whether the file looks like safetensors rather than a checkpoint of torch.save.
bool is_safetensors(const std::filesystem::path& path);

/// Reads a checkpoint of either format.
Document load_any(const std::filesystem::path& path);

}  // namespace cooper4j
