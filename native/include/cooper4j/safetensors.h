// The safetensors format: a JSON header and the bytes of dense, contiguous tensors.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "cooper4j/checkpoint.h"

namespace cooper4j {

/// Reads into a dict of tensors in the header's order. `metadata` receives __metadata__.
COOPER4J_EXPORT Document load_safetensors(const std::filesystem::path& path,
                                          std::map<std::string, std::string>* metadata = nullptr);

/// Writes a dict of tensors; nested dicts give names joined by dots. Throws CheckpointError naming
/// the key for anything that is neither, and for dtypes that the format lacks. Strided and shared
/// tensors are written out contiguous, each on its own.
COOPER4J_EXPORT void save_safetensors(const std::filesystem::path& path, const Document& document,
                                      Node root,
                                      const std::map<std::string, std::string>& metadata = {});

/// Converts between the two formats, told apart by the input's content; the output has the other.
COOPER4J_EXPORT void convert(const std::filesystem::path& in, const std::filesystem::path& out);

}  // namespace cooper4j
