// What the inspect and convert commands share.
#pragma once

#include <filesystem>
#include <string>

#include "cooper4j/document.h"

namespace cooper4j {

/// The tree of `inspect --json`.
std::string json_tree(const Document& document);

/// Whether the file looks like safetensors rather than a checkpoint of torch.save.
bool is_safetensors(const std::filesystem::path& path);

/// Reads a checkpoint of either format.
Document load_any(const std::filesystem::path& path);

}  // namespace cooper4j
