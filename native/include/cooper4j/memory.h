// A cache of freed memory for tensors on the CPU.
//
// A training step makes and frees the same tensors again and again. LibTorch takes each from
// malloc, whose aligned blocks are slow to find, and whose large ones go back to the system at
// once, so that every step pays for their pages anew. With the cache a freed block waits for the
// next tensor of its size, as on CUDA.
//
// Threads: any; small blocks are kept a thread, larger ones for all threads.
// Errors:  those of LibTorch's own allocator, after the cache was given back.
#pragma once

#include <cstddef>

#include "cooper4j/export.h"

namespace cooper4j {

constexpr size_t kDefaultCacheBytes = size_t{128} << 20;

/// Makes the cache LibTorch's CPU allocator, on the first call, and bounds what waits in it: beyond
/// `bytes` it is emptied, with 0 it keeps nothing. Without a call LibTorch's allocator stays.
COOPER4J_EXPORT void cache_cpu_memory(size_t bytes = kDefaultCacheBytes);

/// Gives the large blocks, and the small ones of this thread, back to the system.
COOPER4J_EXPORT void empty_cpu_cache();

}  // namespace cooper4j
