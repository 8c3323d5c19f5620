#include "checkpoint/document/storage_memory.h"

#include <algorithm>
#include <new>
#include <vector>

#include "checkpoint/document/extent.h"
#include "cooper4j/checkpoint.h"

namespace cooper4j {
namespace {

constexpr size_t kAlignment = 64;

uint32_t swap_width(Dtype dtype) {
  return is_complex(dtype) ? dtype_size(dtype) / 2 : dtype_size(dtype);
}

void byteswap(Storage& storage, uint32_t width) {
  if (width <= 1) return;
  if (storage.nbytes % width != 0)
    throw CheckpointError("a big-endian storage of " + std::to_string(storage.nbytes) +
                          " bytes holds numbers of " + std::to_string(width));
  char* at = static_cast<char*>(storage.data.get());
  for (char* end = at + storage.nbytes; at != end; at += width) std::reverse(at, at + width);
}

}  // namespace

std::shared_ptr<void> allocate_storage(uint64_t nbytes) {
  if (nbytes == 0) return nullptr;
  constexpr std::align_val_t kAligned{kAlignment};
  void* const memory = ::operator new(nbytes, kAligned, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return std::shared_ptr<void>(memory, [](void* p) { ::operator delete(p, kAligned); });
}

void byteswap_storages(Document& document, const std::vector<uint32_t>& storages) {
  std::vector<uint32_t> widths(document.storage_count(), 0);
  for (Node node = 0; node < document.node_count(); ++node) {
    if (document.kind(node) != Kind::kTensor) continue;
    const TensorInfo& tensor = document.as_tensor(node);
    uint32_t& width = widths[tensor.storage];
    const uint32_t wanted = swap_width(tensor.dtype);
    if (width != 0 && width != wanted)
      throw CheckpointError("big-endian tensors of different widths share a storage");
    width = wanted;
  }
  for (uint32_t i : storages) byteswap(document.storage(i), widths[i]);
}

}  // namespace cooper4j
