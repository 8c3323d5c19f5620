// Text on its way out: in pieces, so that memory stays small, and counted.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

#include "checkpoint/document/budget.h"

namespace cooper4j {

class Output {
 public:
  /// Without a stream only counts.
  Output(std::ostream* out, Budget& budget) : out_(out), budget_(budget) {}

  void add(std::string_view text) {
    pending_ += text;
    if (pending_.size() >= kPiece) flush();
  }
  void add(int64_t number);
  void spaces(size_t count);
  /// In quotes and ASCII, as JSON has it.
  void add_json(std::string_view utf8);
  /// In quotes, two digits a byte.
  void add_hex(std::string_view bytes);
  /// What is pending; call it at the end.
  void flush();

 private:
  static constexpr size_t kPiece = size_t{64} << 10;

  std::ostream* out_;
  Budget& budget_;
  std::string pending_;
};

}  // namespace cooper4j
