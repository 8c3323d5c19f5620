#include "checkpoint/zip/crc32.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>

#include "checkpoint/zip/cpu.h"
#endif

namespace cooper4j {
namespace {

constexpr uint32_t kPolynomial = 0xEDB88320;
constexpr size_t kSlices = 8;
using Tables = std::array<std::array<uint32_t, 256>, kSlices>;

constexpr Tables make_tables() {
  Tables tables{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value & 1 ? value >> 1 ^ kPolynomial : value >> 1;
    tables[0][i] = value;
  }
  for (uint32_t i = 0; i < 256; ++i)
    for (size_t s = 1; s < kSlices; ++s)
      tables[s][i] = tables[s - 1][i] >> 8 ^ tables[0][tables[s - 1][i] & 0xFF];
  return tables;
}

constexpr Tables kTables = make_tables();

// Works on the inverted register, as the folding below does.
uint32_t update_by_table(uint32_t crc, const unsigned char* data, size_t size) {
  for (; size >= 8; size -= 8, data += 8) {
    const uint32_t low = crc ^ (static_cast<uint32_t>(data[0]) | data[1] << 8 | data[2] << 16 |
                                static_cast<uint32_t>(data[3]) << 24);
    crc = kTables[7][low & 0xFF] ^ kTables[6][low >> 8 & 0xFF] ^ kTables[5][low >> 16 & 0xFF] ^
          kTables[4][low >> 24] ^ kTables[3][data[4]] ^ kTables[2][data[5]] ^ kTables[1][data[6]] ^
          kTables[0][data[7]];
  }
  for (; size > 0; --size, ++data) crc = crc >> 8 ^ kTables[0][(crc ^ *data) & 0xFF];
  return crc;
}

#if defined(__x86_64__)

// Folding by carry-less multiplication, after Gopal et al., "Fast CRC Computation for Generic
// Polynomials Using PCLMULQDQ Instruction" (Intel, 2009): x^n mod P for the distances folded over.
alignas(16) constexpr uint64_t kFold64[] = {0x0154442bd4, 0x01c6e41596};  // x^(4*128±32)
alignas(16) constexpr uint64_t kFold16[] = {0x01751997d0, 0x00ccaa009e};  // x^(128±32)
constexpr size_t kFoldFrom = 64;

__attribute__((target("pclmul,sse4.1"))) inline __m128i fold(__m128i value, __m128i by,
                                                             __m128i next) {
  const __m128i low = _mm_clmulepi64_si128(value, by, 0x00);
  const __m128i high = _mm_clmulepi64_si128(value, by, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

__attribute__((target("pclmul,sse4.1"))) uint32_t update_by_folding(uint32_t crc,
                                                                    const unsigned char* data,
                                                                    size_t size) {
  const auto load = [](const void* at) __attribute__((target("sse4.1"))) {
    return _mm_loadu_si128(static_cast<const __m128i*>(at));
  };
  __m128i lanes[4];
  for (int i = 0; i < 4; ++i) lanes[i] = load(data + 16 * i);
  lanes[0] = _mm_xor_si128(lanes[0], _mm_cvtsi32_si128(static_cast<int>(crc)));
  data += 64;
  size -= 64;
  const __m128i by64 = load(kFold64);
  for (; size >= 64; size -= 64, data += 64)
    for (int i = 0; i < 4; ++i) lanes[i] = fold(lanes[i], by64, load(data + 16 * i));
  const __m128i by16 = load(kFold16);
  __m128i value = lanes[0];
  for (int i = 1; i < 4; ++i) value = fold(value, by16, lanes[i]);
  for (; size >= 16; size -= 16, data += 16) value = fold(value, by16, load(data));
  // What is left is 16 bytes whose CRC is the message's: the tables finish it.
  unsigned char rest[16];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(rest), value);
  return update_by_table(update_by_table(0, rest, 16), data, size);
}

bool can_fold() {
  static const bool can = has_carry_less_multiplication();
  return can;
}

#endif

}  // namespace

uint32_t crc32_portable(uint32_t crc, const void* data, size_t size) {
  return ~update_by_table(~crc, static_cast<const unsigned char*>(data), size);
}

uint32_t crc32(uint32_t crc, const void* data, size_t size) {
#if defined(__x86_64__)
  if (size >= kFoldFrom && can_fold())
    return ~update_by_folding(~crc, static_cast<const unsigned char*>(data), size);
#endif
  return crc32_portable(crc, data, size);
}

}  // namespace cooper4j
