#include "checkpoint/document/json_text.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "checkpoint/document/utf8.h"

namespace cooper4j {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

bool is_plain(char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; }

void append_unit(std::string& out, unsigned unit) {
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out.push_back(kDigits[unit >> shift & 15]);
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

void append_json_text(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const size_t plain =
        static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_plain) - text.begin());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    const size_t odd =
        static_cast<size_t>(std::find_if(text.begin(), text.end(), is_plain) - text.begin());
    const size_t bad = find_invalid_utf8(text.substr(0, odd), Surrogates::kPass);
    const std::string_view valid = text.substr(0, std::min(bad, odd));
    for (size_t i = 0; i < valid.size();) append_code_point(out, next_code_point(valid, i));
    text.remove_prefix(valid.size());
    if (bad == std::string_view::npos) continue;
    append_unit(out, 0xFFFD);
    text.remove_prefix(1);
  }
}

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  append_json_text(out, text);
  out.push_back('"');
}

std::string hex(std::string_view bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  for (unsigned char c : bytes) {
    text.push_back(kDigits[c >> 4]);
    text.push_back(kDigits[c & 15]);
  }
  return text;
}

std::string hex_bits(double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, 8);
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text.push_back(kDigits[bits >> shift & 15]);
  return text;
}

}  // namespace cooper4j
