// The safetensors format: a JSON header and the bytes of dense, contiguous tensors.
//
// Errors: CheckpointError for anything about a file, std::invalid_argument for a tree that the
// format cannot hold, naming the key.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "cooper4j/checkpoint.h"

namespace cooper4j {

/// Reads an OrderedDict of tensors in the header's order. Where the file has __metadata__, the
/// OrderedDict has the attribute `safetensors_metadata`, a dict of texts.
COOPER4J_EXPORT Document load_safetensors(const std::filesystem::path& path,
                                          const LoadOptions& options = {});

/// Reads a file that is in memory; the tensors are copied out of it.
COOPER4J_EXPORT Document load_safetensors_bytes(std::string_view file,
                                                const LoadOptions& options = {});

/// Writes a dict of tensors, and that attribute as metadata; nested dicts give names joined by
/// dots. Strided and shared tensors are written out contiguous, each on its own.
COOPER4J_EXPORT void save_safetensors(const std::filesystem::path& path, const Document& document,
                                      Node root);
/// The same bytes to a stream, which must not fail.
COOPER4J_EXPORT void save_safetensors(std::ostream& out, const Document& document, Node root);

/// Writes the checkpoint `in`, of either format, as `out`, whose name says the format: safetensors
/// for .safetensors, torch.save's for .pt, .pth, .ckpt, .bin, .tar and .th. `key` names a part of
/// it, as "model.encoder" or "optimizers.0"; keys may have dots themselves; "" is the root. Returns
/// the names that safetensors cannot hold and a model can do without: extra states that are no
/// tensors.
COOPER4J_EXPORT std::vector<std::string> convert(const std::filesystem::path& in,
                                                 const std::filesystem::path& out,
                                                 const std::string& key = "",
                                                 const LoadOptions& options = {});

}  // namespace cooper4j
