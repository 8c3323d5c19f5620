// What a file is that was taken for a checkpoint: said in words, with what to do.
#pragma once

#include <filesystem>
#include <string>

#include "checkpoint/zip/byte_source.h"

namespace cooper4j {

/// Whether the file's name is one that checkpoints of either format have: .pt, .safetensors, …
bool has_checkpoint_name(const std::filesystem::path& path);

/// Whether the name says safetensors.
bool has_safetensors_name(const std::filesystem::path& path);

/// Whether it looks like safetensors: the length of a header, then a header.
bool is_safetensors(const ByteSource& file);

/// Whether it is a zip that torch.save may have written.
bool is_torch_zip(const ByteSource& file);

/// Whether it has the start of what torch.save wrote before 1.6.
bool is_legacy_torch(const ByteSource& file);

/// What a path is that is no regular file: "is a folder; give one of its files: best.pt".
std::string no_file_kind(const std::filesystem::path& path);

/// "is a Git LFS pointer, …; fetch the file itself with git lfs pull"; "" for what may be either
/// format.
std::string other_kind(const ByteSource& file);

}  // namespace cooper4j
