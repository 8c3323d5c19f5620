// JSON as Python's json.dumps writes it: ASCII only.
#pragma once

#include <string>
#include <string_view>

namespace cooper4j {

/// Appends `utf8` as a JSON string; bytes that are no UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view utf8);

/// The same without the quotes.
void append_json_text(std::string& out, std::string_view utf8);

std::string hex(std::string_view bytes);

/// The IEEE-754 bits of the number, big-endian, as 16 hexadecimal digits.
std::string hex_bits(double value);

}  // namespace cooper4j
