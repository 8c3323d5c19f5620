#include "checkpoint/inspect/output.h"

#include <algorithm>
#include <charconv>
#include <ostream>

#include "checkpoint/document/json_text.h"

namespace cooper4j {

void Output::flush() {
  budget_.write(pending_.size(), "showing its tree");
  if (out_ != nullptr) out_->write(pending_.data(), static_cast<std::streamsize>(pending_.size()));
  pending_.clear();
}

void Output::add(int64_t number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  add({digits, static_cast<size_t>(end - digits)});
}

void Output::spaces(size_t count) {
  pending_.append(count, ' ');
  add("");
}

void Output::add_json(std::string_view text) {
  pending_ += '"';
  while (!text.empty()) {
    size_t size = std::min(text.size(), kPiece);
    while (size < text.size() && size > kPiece - 4 && (text[size] & '\xC0') == '\x80') --size;
    append_json_text(pending_, text.substr(0, size));
    text.remove_prefix(size);
    add("");
  }
  add("\"");
}

void Output::add_hex(std::string_view bytes) {
  pending_ += '"';
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kPiece)))
    add(hex(bytes.substr(0, kPiece)));
  add("\"");
}

}  // namespace cooper4j
