// Checkpoints that Python's torch.load and torch.save exchange with this program.
//
// load() reads what torch.load(weights_only=True) reads, also in the format before torch 1.6, and
// collections.defaultdict, Cooper's nuPIInitType, numpy's numbers and arrays of plain dtypes, and
// bare storages besides; docs/python.md lists what it refuses. save() writes what the stock
// torch.load(weights_only=True) reads; the one exception is an Enum node, whose class the Python
// side has to allow-list.
//
// Ownership: a Document owns its nodes and shares storages; tensors made from it share those too.
// Threads:   different Documents are independent; saves to different paths are, too.
// Errors:    CheckpointError for anything about a file, std::invalid_argument for a wrong call.
// Nothing in a file is trusted: lengths are checked before memory is allocated, nothing is
// executed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <stdexcept>
#include <string>
#include <string_view>

#include "cooper4j/document.h"
#include "cooper4j/export.h"

namespace at {
class Tensor;
}

namespace cooper4j {

/// Says where in the file (record, byte offset or key path) and why.
class COOPER4J_EXPORT CheckpointError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// 64 MiB.
inline constexpr uint64_t kDefaultLimit = uint64_t{64} << 20;

struct LoadOptions {
  /// Objects of other classes than checkpoints are made of become kOpaque nodes, which only name
  /// the class. Else a file that has one is refused. Nothing is run either way.
  bool opaque = false;
  /// Where tensors go: a device for all of them, or "" for the device the file names.
  std::string map_location = "cpu";
  /// Containers inside containers. Python's own pickler stops at about 1000.
  uint32_t max_depth = 1000;
  /// Bounds what a file may cost beyond what its size explains. A file of n bytes is refused where
  /// reading it, or showing or converting what was read, takes more than limit + 20 n bytes of
  /// output, 3 limit + 4 n bytes of memory, or limit + 8 n steps of work of up to 10 ns: 2 s + 100
  /// ns * n of one core at most. Only what a file names again and again costs that much.
  uint64_t limit = kDefaultLimit;
};

struct SaveOptions {
  /// False writes CRC 0 everywhere, as torch.serialization.set_crc32_options(False) does.
  bool crc32 = true;
};

/// Reads a checkpoint; the tree hangs from root().
COOPER4J_EXPORT Document load(const std::filesystem::path& path, const LoadOptions& options = {});
/// Reads a checkpoint that is in memory; storages are copied out of it.
COOPER4J_EXPORT Document load_bytes(std::string_view file, const LoadOptions& options = {});

/// The same of a stream, from its position to its end.
COOPER4J_EXPORT Document load(std::istream& in, const LoadOptions& options = {});

/// Writes `root` and what it reaches: to a temporary file beside `path`, synced, then renamed over
/// it, so that `path` is the old or the new file whatever happens. The mode bits of a file that was
/// there stay. A defaultdict becomes a dict, since torch.load refuses it.
COOPER4J_EXPORT void save(const std::filesystem::path& path, const Document& document, Node root,
                          const SaveOptions& options = {});
/// The same bytes to a stream, which must not fail.
COOPER4J_EXPORT void save(std::ostream& out, const Document& document, Node root,
                          const SaveOptions& options = {});
/// The same bytes in memory. `name` is the archive's root folder.
COOPER4J_EXPORT std::string save_bytes(const Document& document, Node root,
                                       const SaveOptions& options = {},
                                       std::string_view name = "archive");

/// Writes one line of JSON: {"file": …, "ok": true, "tree": …} or {"file": …, "ok": false, "error":
/// …}. Returns whether the file is in order; never throws for one that is not.
COOPER4J_EXPORT bool inspect_json(const std::string& path, std::ostream& out,
                                  const LoadOptions& options = {});
/// The same for people: an indented tree.
COOPER4J_EXPORT bool inspect_text(const std::string& path, std::ostream& out,
                                  const LoadOptions& options = {});

// LibTorch's side.

/// The tensor of a kTensor, kSparseCoo or kSparseCsr node. One node gives one tensor, however often
/// it is asked for; views of one storage share it, and CPU storages are not copied. A storage whose
/// location is another device is copied there once.
COOPER4J_EXPORT at::Tensor to_tensor(Document& document, Node node);

/// Adds a tensor without copying it (CUDA storages are copied to the CPU once and remember their
/// device). One tensor gives one node; tensors over one storage stay views of it. The document
/// holds the memory alive: what is written later into the tensor is what save() will see.
COOPER4J_EXPORT Node add_tensor(Document& document, const at::Tensor& tensor,
                                bool parameter = false);

}  // namespace cooper4j
