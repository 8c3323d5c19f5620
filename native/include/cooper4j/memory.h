// A cache of freed memory for tensors on the CPU.
//
// A training step makes and frees the same tensors again and again. LibTorch takes each from
// malloc, whose aligned blocks are slow to find, and whose large ones go back to the system at
// once, so that every step pays for their pages anew. With the cache a freed block waits for the
// next tensor of its size, as on CUDA.
//
// Threads: any; small blocks wait for the thread that freed them, larger ones for all threads. The
//          bound is that of all threads together. A child of fork() goes on with its own copy.
// Errors:  those of LibTorch's own allocator, after the cache was given back.
#pragma once

#include <cstddef>

#include "cooper4j/export.h"

namespace cooper4j {

constexpr size_t kDefaultCacheBytes = size_t{128} << 20;

/// Makes the cache LibTorch's CPU allocator, on the first call, and bounds what waits in it, for
/// all threads together: beyond `bytes` it is emptied, with 0 it keeps nothing, and a lower bound
/// than before holds at once. Without a call LibTorch's allocator stays.
COOPER4J_EXPORT void cache_cpu_memory(size_t bytes = kDefaultCacheBytes);

/// How many bytes wait, or may still come to wait without a look at the bound: a list reserves room
/// by 64 KB.
COOPER4J_EXPORT size_t cached_cpu_bytes();

/// Gives what waits for any thread back to the system.
COOPER4J_EXPORT void empty_cpu_cache();

}  // namespace cooper4j
