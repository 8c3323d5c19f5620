#include "checkpoint/document/json_text.h"

#include <cstdint>
#include <cstdio>
#include <cstring>

#include "checkpoint/document/utf8.h"

namespace cooper4j {
namespace {

void append_unit(std::string& out, unsigned unit) {
  char text[16];
  std::snprintf(text, sizeof text, "\\u%04x", unit);
  out += text;
}

void append_code_point(std::string& out, char32_t c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    default:
      break;
  }
  if (c >= 0x20 && c < 0x7F) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x10000) {
    append_unit(out, c);
  } else {
    append_unit(out, 0xD800 + ((c - 0x10000) >> 10));
    append_unit(out, 0xDC00 + ((c - 0x10000) & 0x3FF));
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    const size_t bad = find_invalid_utf8(text, Surrogates::kPass);
    const std::string_view valid = text.substr(0, bad);
    for (size_t i = 0; i < valid.size();) append_code_point(out, next_code_point(valid, i));
    text.remove_prefix(valid.size());
    if (bad == std::string_view::npos) break;
    append_unit(out, 0xFFFD);
    text.remove_prefix(1);
  }
  out.push_back('"');
}

std::string hex(std::string_view bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  for (unsigned char c : bytes) {
    text.push_back("0123456789abcdef"[c >> 4]);
    text.push_back("0123456789abcdef"[c & 15]);
  }
  return text;
}

std::string hex_bits(double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, 8);
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(bits));
  return text;
}

}  // namespace cooper4j
