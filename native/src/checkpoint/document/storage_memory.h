// Memory for storages, and their byte order.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cooper4j/document.h"

namespace cooper4j {

/// Aligned as torch's own CPU allocator does; null for 0 bytes. Throws std::bad_alloc.
std::shared_ptr<void> allocate_storage(uint64_t nbytes);

/// Swaps storages of a file from a machine of the other byte order, by the dtype of the
/// tensors over it. Throws CheckpointError where tensors of different widths share one.
void byteswap_storages(Document& document, const std::vector<uint32_t>& storages);

}  // namespace cooper4j
