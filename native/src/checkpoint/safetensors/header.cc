#include "checkpoint/safetensors/header.h"

#include <unordered_set>

#include "checkpoint/document/extent.h"
#include "checkpoint/document/hash.h"
#include "checkpoint/document/utf8.h"
#include "cooper4j/checkpoint.h"

namespace cooper4j {
namespace {

constexpr const char* kHolding = "holding its header";
constexpr uint64_t kKey = 80;  // bytes for a key among the keys
constexpr uint64_t kDtypeAndShape =
    208;  // and what is made of them, beside the tensor and its name
constexpr const char* kMetadata = "__metadata__";

void append_utf8(std::string& out, unsigned c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

/// The grammar is flat, so every rule is a function and nothing recurses.
class Parser {
 public:
  Parser(std::string_view json, Budget& budget) : json_(json), budget_(budget) {}

  SafeTensorsHeader parse() {
    SafeTensorsHeader header;
    bool has_metadata = false;
    if (json_.empty() || json_[0] != '{') fail("expected '{' at the start");
    object([&](std::string name) {
      if (name != kMetadata) {
        budget_.hold(kDtypeAndShape + name.size(), kHolding);
        grow(header.tensors, budget_, kHolding);
        header.tensors.push_back(tensor(std::move(name)));
        return;
      }
      has_metadata = true;
      object([&](std::string key) {
        grow(header.metadata, budget_, kHolding);
        std::string value = string();
        budget_.hold(key.size() + value.size(), kHolding);
        header.metadata.emplace_back(std::move(key), std::move(value));
      });
    });
    while (at_ < json_.size() && json_[at_] == ' ') ++at_;
    if (at_ != json_.size()) fail("expected spaces behind the header");
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw CheckpointError("header, byte " + std::to_string(at_) + ": " + what);
  }

  char peek() {
    while (at_ < json_.size() &&
           (json_[at_] == ' ' || json_[at_] == '\n' || json_[at_] == '\r' || json_[at_] == '\t'))
      ++at_;
    return at_ < json_.size() ? json_[at_] : '\0';
  }

  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!accept(c)) fail(std::string("expected '") + c + "'");
  }

  /// Calls `member` behind every key, where the value stands.
  template <typename Member>
  void object(Member member) {
    std::unordered_set<std::string, SeededHash> keys(0, hash_);
    uint64_t held = 0;
    expect('{');
    if (accept('}')) return;
    do {
      std::string key = string();
      budget_.hold(kKey + key.size(), kHolding);
      held += kKey + key.size();
      if (!keys.insert(key).second) fail("has the key '" + key + "' twice");
      expect(':');
      member(std::move(key));
    } while (accept(','));
    expect('}');
    budget_.release(held);
  }

  template <typename Item>
  void array(size_t limit, const char* what, Item item) {
    expect('[');
    if (accept(']')) return;
    size_t count = 0;
    do {
      if (++count > limit) fail("expected at most " + std::to_string(limit) + " " + what);
      item();
    } while (accept(','));
    expect(']');
  }

  SafeTensor tensor(std::string name) {
    SafeTensor tensor;
    tensor.name = std::move(name);
    int seen = 0;
    std::vector<uint64_t> offsets;
    object([&](const std::string& key) {
      if (key == "dtype") {
        tensor.dtype = string();
        seen |= 1;
      } else if (key == "shape") {
        array(kMaxDims, "dimensions",
              [&] { tensor.shape.push_back(static_cast<int64_t>(integer())); });
        seen |= 2;
      } else if (key == "data_offsets") {
        array(2, "data_offsets", [&] { offsets.push_back(integer()); });
        seen |= 4;
      } else {
        fail("tensor '" + tensor.name + "' has the unknown key '" + key + "'");
      }
    });
    if (seen != 7 || offsets.size() != 2)
      fail("expected dtype, shape and two data_offsets for tensor '" + tensor.name + "'");
    tensor.begin = offsets[0];
    tensor.end = offsets[1];
    return tensor;
  }

  /// A natural number below 2^63, as JSON writes it: no sign, no leading zero, no fraction.
  uint64_t integer() {
    peek();
    const size_t start = at_;
    uint64_t value = 0;
    for (; at_ < json_.size() && json_[at_] >= '0' && json_[at_] <= '9'; ++at_) {
      value = value * 10 + static_cast<uint64_t>(json_[at_] - '0');
      if (at_ - start >= 18) fail("expected a number below 10^18");
    }
    if (at_ == start || (json_[start] == '0' && at_ - start > 1)) fail("expected a natural number");
    return value;
  }

  unsigned hex4() {
    unsigned value = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = at_ < json_.size() ? json_[at_] : '\0';
      const char lower = static_cast<char>(c | 0x20);
      if (c >= '0' && c <= '9')
        value = value << 4 | static_cast<unsigned>(c - '0');
      else if (lower >= 'a' && lower <= 'f')
        value = value << 4 | static_cast<unsigned>(lower - 'a' + 10);
      else
        fail("expected four hexadecimal digits");
    }
    return value;
  }

  void escape(std::string& out) {
    const char c = at_ < json_.size() ? json_[at_++] : '\0';
    switch (c) {
      case '"':
      case '\\':
      case '/':
        out += c;
        return;
      case 'b':
        out += '\b';
        return;
      case 'f':
        out += '\f';
        return;
      case 'n':
        out += '\n';
        return;
      case 'r':
        out += '\r';
        return;
      case 't':
        out += '\t';
        return;
      case 'u':
        break;
      default:
        fail("expected an escape of JSON");
    }
    unsigned unit = hex4();
    if (unit >= 0xD800 && unit < 0xDC00 && json_.substr(at_, 2) == "\\u") {
      at_ += 2;
      const unsigned low = hex4();
      if (low < 0xDC00 || low > 0xDFFF) fail("expected the second half of a surrogate pair");
      unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    }
    if (unit >= 0xD800 && unit <= 0xDFFF) fail("has a lone surrogate");
    append_utf8(out, unit);
  }

  std::string string() {
    expect('"');
    std::string out;
    for (;;) {
      if (at_ >= json_.size()) fail("expected the end of a string");
      const char c = json_[at_++];
      if (c == '"') break;
      if (static_cast<unsigned char>(c) < 0x20) fail("has a control character in a string");
      if (c == '\\')
        escape(out);
      else
        out += c;
    }
    return out;
  }

  std::string_view json_;
  Budget& budget_;
  const SeededHash hash_;
  size_t at_ = 0;
};

}  // namespace

SafeTensorsHeader parse_safetensors_header(std::string_view json, Budget& budget) {
  const size_t bad = find_invalid_utf8(json, Surrogates::kRefuse);
  if (bad != std::string_view::npos)
    throw CheckpointError("header, byte " + std::to_string(bad) + ": is not UTF-8");
  return Parser(json, budget).parse();
}

}  // namespace cooper4j
