// The small parts of a pickle: numbers, texts, classes and the memo.
#include <cstring>

#include "checkpoint/pickle/opcodes.h"
#include "checkpoint/pickle/writer.h"
#include "checkpoint/zip/little_endian.h"

namespace cooper4j {

void PickleWriter::integer(int64_t value) {
  if (value >= 0 && value <= 0xFF) {
    op(pickle::kBinInt1);
    put_le<uint8_t>(out_, static_cast<uint8_t>(value));
  } else if (value >= 0 && value <= 0xFFFF) {
    op(pickle::kBinInt2);
    put_le<uint16_t>(out_, static_cast<uint16_t>(value));
  } else if (value >= INT32_MIN && value <= INT32_MAX) {
    op(pickle::kBinInt);
    put_le<int32_t>(out_, static_cast<int32_t>(value));
  } else {
    std::string bytes;
    put_le<int64_t>(bytes, value);
    const auto redundant = [&] {
      const char sign = bytes[bytes.size() - 2] & 0x80 ? '\xff' : '\0';
      return bytes.back() == sign;
    };
    while (redundant()) bytes.pop_back();
    big_integer(bytes);
  }
}

void PickleWriter::big_integer(const std::string& bytes) {
  op(pickle::kLong1);
  put_le<uint8_t>(out_, static_cast<uint8_t>(bytes.size()));
  out_ += bytes;
}

void PickleWriter::number(double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, 8);
  op(pickle::kBinFloat);
  for (int shift = 56; shift >= 0; shift -= 8) op(static_cast<char>(bits >> shift & 0xFF));
}

void PickleWriter::boolean(bool value) { op(value ? pickle::kNewTrue : pickle::kNewFalse); }

void PickleWriter::text(std::string_view utf8) {
  op(pickle::kBinUnicode);
  put_le<uint32_t>(out_, static_cast<uint32_t>(utf8.size()));
  out_ += utf8;
  memoize_new();
}

bool PickleWriter::recall(const std::string& constant) {
  const auto [slot, fresh] = constant_slots_.emplace(constant, next_slot_);
  if (!fresh) get(slot->second);
  return !fresh;
}

void PickleWriter::constant(const std::string& utf8) {
  if (!recall(utf8)) text(utf8);
}

void PickleWriter::global(const std::string& module, const std::string& name) {
  if (recall(module + "\n" + name)) return;
  op(pickle::kGlobal);
  out_ += module + "\n" + name + "\n";
  memoize_new();
}

// Closes the arguments and calls; what is called and the arguments are on the stack.
void PickleWriter::call_end(char tuple_op) {
  op(tuple_op);
  memoize_new();
  op(pickle::kReduce);
}

void PickleWriter::empty_ordered_dict() {
  global("collections", "OrderedDict");
  op(pickle::kEmptyTuple);
  op(pickle::kReduce);
  memoize_new();
}

void PickleWriter::sizes(const std::vector<int64_t>& values) {
  constexpr char kOps[] = {pickle::kTuple1, pickle::kTuple2, pickle::kTuple3};
  if (values.empty()) return op(pickle::kEmptyTuple);
  if (values.size() > 3) op(pickle::kMark);
  for (int64_t value : values) integer(value);
  op(values.size() > 3 ? pickle::kTuple : kOps[values.size() - 1]);
  memoize_new();
}

void PickleWriter::size_call(const std::vector<int64_t>& values) {
  global("torch", "Size");
  sizes(values);
  call_end(pickle::kTuple1);
}

void PickleWriter::layout(const std::string& name) {
  const std::string key = "layout\n" + name;
  if (const auto slot = constant_slots_.find(key); slot != constant_slots_.end())
    return get(slot->second);
  global("torch.serialization", "_get_layout");
  text(name);
  call_end(pickle::kTuple1);
  constant_slots_[key] = next_slot_;
  memoize_new();
}

void PickleWriter::device(Node node) {
  const std::string& name = doc_.as_string(node);
  const size_t colon = name.find(':');
  global("torch", "device");
  text(name.substr(0, colon));
  if (colon != std::string::npos) integer(std::stoll(name.substr(colon + 1)));
  call_end(colon == std::string::npos ? pickle::kTuple1 : pickle::kTuple2);
  memoize(node);
}

void PickleWriter::encoded(std::string_view data) {
  std::string utf8;
  for (unsigned char c : data) {
    if (c < 0x80)
      utf8.push_back(static_cast<char>(c));
    else
      utf8 += {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 0x3F))};
  }
  global("_codecs", "encode");
  text(utf8);
  constant("latin1");
  call_end(pickle::kTuple2);
}

void PickleWriter::bytes(Node node) {
  if (doc_.as_string(node).size() > UINT32_MAX / 2) fail(node, "bytes of more than 2 GiB");
  encoded(doc_.as_string(node));
  memoize(node);
}

void PickleWriter::bytearray(Node node) {
  const std::string& data = doc_.as_string(node);
  if (data.size() > UINT32_MAX / 2) fail(node, "a bytearray of more than 2 GiB");
  global("__builtin__", "bytearray");
  if (data.empty()) {
    op(pickle::kEmptyTuple);
    op(pickle::kReduce);
  } else {
    encoded(data);
    memoize_new();
    call_end(pickle::kTuple1);
  }
  memoize(node);
}

void PickleWriter::put(uint32_t slot) {
  op(slot < 256 ? pickle::kBinPut : pickle::kLongBinPut);
  if (slot < 256)
    put_le<uint8_t>(out_, static_cast<uint8_t>(slot));
  else
    put_le<uint32_t>(out_, slot);
}

void PickleWriter::get(uint32_t slot) {
  op(slot < 256 ? pickle::kBinGet : pickle::kLongBinGet);
  if (slot < 256)
    put_le<uint8_t>(out_, static_cast<uint8_t>(slot));
  else
    put_le<uint32_t>(out_, slot);
}

}  // namespace cooper4j
