// The safetensors format: a JSON header and the bytes of dense, contiguous tensors.
//
// Errors: CheckpointError for anything about a file, std::invalid_argument for a tree that the
// format cannot hold, naming the key.
#pragma once

#include <filesystem>

#include "cooper4j/checkpoint.h"

namespace cooper4j {

/// Reads an OrderedDict of tensors in the header's order. Where the file has __metadata__, the
/// OrderedDict has the attribute `safetensors_metadata`, a dict of texts.
COOPER4J_EXPORT Document load_safetensors(const std::filesystem::path& path);

/// Writes a dict of tensors, and that attribute as metadata; nested dicts give names joined by
/// dots. Strided and shared tensors are written out contiguous, each on its own.
COOPER4J_EXPORT void save_safetensors(const std::filesystem::path& path, const Document& document,
                                      Node root);

/// Converts between torch.save's format and safetensors, told apart by the input's content; the
/// output has the other. `key` names a dict inside a checkpoint, as "model.encoder"; "" is the
/// root.
COOPER4J_EXPORT void convert(const std::filesystem::path& in, const std::filesystem::path& out,
                             const std::string& key = "");

}  // namespace cooper4j
