#include "checkpoint/document/utf8.h"

#include <cstdint>

namespace cooper4j {
namespace {

int sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  if (lead >= 0xF0 && lead < 0xF5) return 4;
  return 0;
}

char32_t decode(std::string_view text, size_t position, int length) {
  const unsigned char lead = text[position];
  char32_t value = length == 1 ? lead : lead & (0x7F >> length);
  for (int i = 1; i < length; ++i) value = value << 6 | (text[position + i] & 0x3F);
  return value;
}

}  // namespace

size_t find_invalid_utf8(std::string_view text, Surrogates surrogates) {
  size_t i = 0;
  while (i < text.size()) {
    const int length = sequence_length(text[i]);
    if (length == 0 || text.size() - i < static_cast<size_t>(length)) return i;
    for (int k = 1; k < length; ++k)
      if ((text[i + k] & 0xC0) != 0x80) return i;
    const char32_t value = decode(text, i, length);
    const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
    const bool surrogate = value >= 0xD800 && value < 0xE000;
    if (overlong || value > 0x10FFFF || (surrogate && surrogates == Surrogates::kRefuse)) return i;
    i += length;
  }
  return std::string_view::npos;
}

char32_t next_code_point(std::string_view text, size_t& position) {
  const int length = sequence_length(text[position]);
  const char32_t value = decode(text, position, length);
  position += length;
  return value;
}

}  // namespace cooper4j
