// Numbers by which ranks see whether they have the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace cooper4j::distributed {

/// FNV-1a.
uint64_t checksum(const std::string& text);

/// Of many bytes, at the speed of memory; `before` is that of what came before them.
uint64_t checksum(const void* bytes, size_t n, uint64_t before);

/// 20 bits of a checksum, as two numbers whose sums over ranks tell whether all have the same: the
/// squares' mean is the mean's square if and only if all are equal, and all numbers are exact.
constexpr int64_t kAlikeSlots = 2;
void write_alike(uint64_t bits, double* slots);
bool are_alike(const double* sums, int ranks);

}  // namespace cooper4j::distributed
