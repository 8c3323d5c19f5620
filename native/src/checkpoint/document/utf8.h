// UTF-8 as Python writes and reads it in pickles.
#pragma once

#include <string_view>

namespace cooper4j {

enum class Surrogates { kPass, kRefuse };

/// The offset of the first byte that is no UTF-8, or npos. With kPass, lone surrogates are fine.
size_t find_invalid_utf8(std::string_view text, Surrogates surrogates);

/// Decodes the code point at `position`, which it advances; `text` must be valid.
char32_t next_code_point(std::string_view text, size_t& position);

}  // namespace cooper4j
