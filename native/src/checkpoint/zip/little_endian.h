// Little-endian numbers, as zip and pickle have them, on any machine.
#pragma once

#include <cstdint>
#include <string>

namespace cooper4j {

template <typename T>
T get_le(const char* at) {
  uint64_t value = 0;
  for (size_t i = sizeof(T); i-- > 0;) value = value << 8 | static_cast<unsigned char>(at[i]);
  return static_cast<T>(value);
}

template <typename T>
void put_le(std::string& out, T value) {
  uint64_t rest = static_cast<uint64_t>(value);
  for (size_t i = 0; i < sizeof(T); ++i, rest >>= 8) out.push_back(static_cast<char>(rest & 0xFF));
}

}  // namespace cooper4j
