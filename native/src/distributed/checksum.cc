#include "distributed/checksum.h"

#include <array>
#include <cstring>

namespace cooper4j::distributed {
namespace {

constexpr uint64_t kOdd = 0x9e3779b97f4a7c15U;
constexpr uint64_t kOther = 0xd6e8feb86659fd93U;

/// Turned, since the highest bit, a double's sign, would reach no other by a product.
uint64_t mixed(uint64_t sum, uint64_t word) {
  sum = (sum ^ word) * kOdd;
  return (sum << 29U | sum >> 35U) * kOther;
}

}  // namespace

uint64_t checksum(const std::string& text) {
  uint64_t sum = 14695981039346656037U;
  for (const unsigned char c : text) sum = (sum ^ c) * 1099511628211U;
  return sum;
}

uint64_t checksum(const void* bytes, size_t n, uint64_t before) {
  // Several at a time, since one product waits for the one before it.
  constexpr size_t kLanes = 8;
  std::array<uint64_t, kLanes> lanes{};
  for (size_t i = 0; i < kLanes; ++i) lanes[i] = before + i;
  std::array<uint64_t, kLanes> words{};
  const auto* from = static_cast<const unsigned char*>(bytes);
  for (; n >= sizeof words; n -= sizeof words, from += sizeof words) {
    std::memcpy(words.data(), from, sizeof words);
    for (size_t i = 0; i < kLanes; ++i) lanes[i] = mixed(lanes[i], words[i]);
  }
  words = {};
  if (n > 0) std::memcpy(words.data(), from, n);
  uint64_t sum = n;
  for (size_t i = 0; i < kLanes; ++i) sum = mixed(mixed(sum, words[i]), lanes[i]);
  return sum ^ sum >> 32U;
}

void write_alike(uint64_t bits, double* slots) {
  const auto value = static_cast<double>(bits & 0xfffffU);
  slots[0] = value;
  slots[1] = value * value;
}

bool are_alike(const double* sums, int ranks) { return ranks * sums[1] == sums[0] * sums[0]; }

}  // namespace cooper4j::distributed
