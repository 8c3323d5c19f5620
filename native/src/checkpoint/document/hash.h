// Hashes whose seed is drawn when the program runs, so that no file can choose texts that collide.
#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <string_view>

namespace cooper4j {

inline uint64_t random_seed() {
  std::random_device device;
  return static_cast<uint64_t>(device()) << 32 | device();
}

/// The halves of a product of two mixed words; neither may be the file's alone, since one that is
/// a constant below makes the product 0.
inline uint64_t mix(uint64_t a, uint64_t b) {
  const auto product =
      static_cast<unsigned __int128>(a ^ 0xa0761d6478bd642fULL) * (b ^ 0xe7037ed1a0b428dbULL);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t hash_bytes(uint64_t seed, std::string_view bytes) {
  uint64_t hash = mix(seed, seed ^ bytes.size());
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + i, 8);
    hash = mix(hash ^ word, seed);
  }
  uint64_t rest = 0;
  std::memcpy(&rest, bytes.data() + i, bytes.size() - i);
  return mix(hash ^ rest, seed);
}

/// For standard containers of texts; their own hash has a seed that everybody knows.
class SeededHash {
 public:
  size_t operator()(std::string_view text) const { return hash_bytes(seed_, text); }

 private:
  uint64_t seed_ = random_seed();
};

}  // namespace cooper4j
