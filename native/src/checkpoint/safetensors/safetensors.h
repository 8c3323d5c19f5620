// What the convert command needs of safetensors.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cooper4j/document.h"

namespace cooper4j {

/// Writes a dict of tensors without extra states that are none (torch.nn.Module.get_extra_state),
/// whose names go to `left_out`; without `left_out` these are refused.
void save_safetensors(const std::filesystem::path& path, const Document& document, Node root,
                      std::vector<std::string>* left_out);

}  // namespace cooper4j
