// Numbers and arrays of numpy, as numpy 1 and 2 pickle them: dtype('f8', False, True) and its
// state, scalar(dtype, bytes), _reconstruct(ndarray, (0,), b'b') and its state, _frombuffer(…).
#include <algorithm>
#include <cmath>
#include <cstring>

#include "checkpoint/document/extent.h"
#include "checkpoint/document/storage_memory.h"
#include "checkpoint/pickle/reader.h"

namespace cooper4j {
namespace {

struct CodeRow {
  std::string_view code;
  Dtype dtype;
};

constexpr CodeRow kCodes[] = {
    {"b1", Dtype::kBool},      {"i1", Dtype::kInt8},        {"i2", Dtype::kInt16},
    {"i4", Dtype::kInt32},     {"i8", Dtype::kInt64},       {"u1", Dtype::kUInt8},
    {"u2", Dtype::kUInt16},    {"u4", Dtype::kUInt32},      {"u8", Dtype::kUInt64},
    {"f2", Dtype::kFloat16},   {"f4", Dtype::kFloat32},     {"f8", Dtype::kFloat64},
    {"c8", Dtype::kComplex64}, {"c16", Dtype::kComplex128},
};

/// Reverses each number; a complex one is two.
void swap_bytes(char* data, size_t size, Dtype dtype) {
  const size_t width = is_complex(dtype) ? dtype_size(dtype) / 2 : dtype_size(dtype);
  for (size_t at = 0; at + width <= size; at += width) std::reverse(data + at, data + at + width);
}

double half(uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int fraction = bits & 1023;
  const double size = exponent == 0    ? std::ldexp(fraction, -24)
                      : exponent == 31 ? (fraction == 0 ? HUGE_VAL : std::nan(""))
                                       : std::ldexp(1024 + fraction, exponent - 25);
  return bits & 0x8000 ? -size : size;
}

template <typename T>
T number_at(const char* data) {
  T value;
  std::memcpy(&value, data, sizeof value);
  return value;
}

}  // namespace

PickleReader::Value PickleReader::numpy_call(Global function, const Values& args) {
  Value made;
  made.is = Is::kNumpy;
  NumpyObject object;
  switch (function) {
    case Global::kNumpyDtype:
      object = numpy_dtype(args);
      break;
    case Global::kNumpyReconstruct:
      if (args.size() != 3 || args[0].is != Is::kGlobal ||
          args[0].global.global != Global::kNumpyArray)
        fail("expected numpy's _reconstruct(ndarray, (0,), b'b')");
      object.array = true;
      break;
    case Global::kNumpyScalar:
      if (args.size() != 2) fail("expected numpy's scalar(dtype, bytes)");
      made.is = Is::kNode;
      made.index = numpy_scalar(numpy_of(args[0]), args[1]);
      return made;
    case Global::kNumpyFromBuffer: {
      if (args.size() != 4) fail("expected numpy's _frombuffer(buffer, dtype, shape, order)");
      const std::string& order = string_of(args[3], "an array's order");
      if (order != "C" && order != "F") fail("expected the order C or F of an array");
      made.is = Is::kNode;
      made.index = numpy_array(numpy_of(args[1]), args[2], order == "F", args[0]);
      return made;
    }
    default:
      fail("calls a class that torch.save does not call");
  }
  made.index = static_cast<uint32_t>(numpys_.size());
  hold(sizeof object);
  numpys_.push_back(std::move(object));
  return made;
}

const PickleReader::NumpyObject& PickleReader::numpy_of(const Value& value) const {
  if (value.is != Is::kNumpy || numpys_[value.index].array) fail("expected a numpy dtype");
  return numpys_[value.index];
}

const std::string& PickleReader::buffer_of(const Value& value, const char* what) {
  const Node node = node_of(value, what);
  if (doc_.kind(node) != Kind::kBytes && doc_.kind(node) != Kind::kByteArray)
    fail(std::string("expected ") + what + ", found " + kind_name(doc_.kind(node)));
  return doc_.as_string(node);
}

// ('f8', align, copy)
PickleReader::NumpyObject PickleReader::numpy_dtype(const Values& args) {
  if (args.size() != 3) fail("expected numpy's dtype('f8', False, True)");
  NumpyObject object;
  object.code = string_of(args[0], "the code of a numpy dtype").substr(0, 16);
  for (const CodeRow& row : kCodes)
    if (object.code == row.code) object.dtype = row.dtype;
  return object;
}

void PickleReader::build_numpy(uint32_t index, const Value& state) {
  const Values parts = items_of(state, "the state of a numpy object");
  if (!numpys_[index].array) return build_numpy_dtype(numpys_[index], parts);
  // (version, shape, dtype, in Fortran's order, contents)
  if (parts.size() != 5 || numpys_[index].node != kNoNode)
    fail("expected the state of a numpy array, once");
  const bool fortran = boolean_of(parts[3], "whether an array is in Fortran's order");
  numpys_[index].node = numpy_array(numpy_of(parts[2]), parts[1], fortran, parts[4]);
}

// (3, byte order, subdtype, names, fields, item size, alignment, flags)
void PickleReader::build_numpy_dtype(NumpyObject& object, const Values& state) {
  if (!object.dtype) return;
  if (state.size() != 8 || doc_.as_int(node_of(state[0], "an int")) != 3)
    fail("expected version 3 of the state of a numpy dtype");
  const std::string& order = string_of(state[1], "a byte order");
  if (order != "<" && order != ">" && order != "=" && order != "|")
    fail("expected a byte order of <, >, = or |");
  for (size_t i = 2; i < 5; ++i)
    if (doc_.kind(node_of(state[i], "None")) != Kind::kNone)
      fail("expected a numpy dtype without fields");
  object.swapped = order == ">";
}

Node PickleReader::numpy_array(const NumpyObject& dtype, const Value& shape, bool fortran,
                               const Value& data) {
  if (!dtype.dtype) return opaque("numpy.ndarray of dtype " + dtype.code);
  TensorInfo info;
  info.dtype = *dtype.dtype;
  const bool swapped = dtype.swapped;
  info.sizes = numbers(shape, "an array's shape");
  const int64_t count = require_elements(info.sizes);
  const std::string& bytes = buffer_of(data, "an array's bytes");
  if (bytes.size() % dtype_size(info.dtype) != 0 ||
      bytes.size() / dtype_size(info.dtype) != static_cast<uint64_t>(count))
    fail("a numpy array of shape " + format_sizes(info.sizes) + " has " +
         std::to_string(bytes.size()) + " bytes");
  spend(bytes.size() / 16 + 1);
  hold(bytes.size());
  Storage storage;
  storage.nbytes = bytes.size();
  storage.data = allocate_storage(bytes.size());
  storage.dtype = info.dtype;
  if (!bytes.empty()) std::memcpy(storage.data.get(), bytes.data(), bytes.size());
  if (swapped) swap_bytes(static_cast<char*>(storage.data.get()), bytes.size(), info.dtype);
  info.storage = doc_.add_storage(std::move(storage));
  info.strides.resize(info.sizes.size());
  int64_t stride = 1;
  for (size_t i = 0; i < info.sizes.size(); ++i) {
    const size_t at = fortran ? i : info.sizes.size() - 1 - i;
    info.strides[at] = stride;
    if (count > 0) stride *= info.sizes[at];
  }
  return doc_.tensor(std::move(info));
}

Node PickleReader::numpy_scalar(const NumpyObject& dtype, const Value& data) {
  if (!dtype.dtype) return opaque("numpy scalar of dtype " + dtype.code);
  const Dtype type = *dtype.dtype;
  std::string bytes = buffer_of(data, "a number's bytes");
  if (bytes.size() != dtype_size(type))
    fail(std::string("a numpy ") + dtype_name(type) + " has " + std::to_string(bytes.size()) +
         " bytes");
  if (dtype.swapped) swap_bytes(bytes.data(), bytes.size(), type);
  const char* at = bytes.data();
  switch (type) {
    case Dtype::kBool:
      return doc_.boolean(*at != 0);
    case Dtype::kFloat16:
      return doc_.number(half(number_at<uint16_t>(at)));
    case Dtype::kFloat32:
      return doc_.number(number_at<float>(at));
    case Dtype::kFloat64:
      return doc_.number(number_at<double>(at));
    case Dtype::kComplex64:
      return doc_.complex({number_at<float>(at), number_at<float>(at + 4)});
    case Dtype::kComplex128:
      return doc_.complex({number_at<double>(at), number_at<double>(at + 8)});
    case Dtype::kUInt8:
    case Dtype::kUInt16:
    case Dtype::kUInt32:
    case Dtype::kUInt64:
      return doc_.big_integer(bytes + '\0');
    default:
      return doc_.big_integer(bytes);
  }
}

}  // namespace cooper4j
