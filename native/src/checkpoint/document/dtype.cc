#include <array>

#include "cooper4j/document.h"

namespace cooper4j {
namespace {

struct Row {
  const char* name;
  uint32_t size;
};

// In the order of Dtype.
constexpr std::array<Row, 22> kDtypes = {{
    {"float64", 8},        {"float32", 4},
    {"float16", 2},        {"bfloat16", 2},
    {"complex128", 16},    {"complex64", 8},
    {"complex32", 4},      {"uint8", 1},
    {"int8", 1},           {"int16", 2},
    {"int32", 4},          {"int64", 8},
    {"uint16", 2},         {"uint32", 4},
    {"uint64", 8},         {"bool", 1},
    {"float8_e4m3fn", 1},  {"float8_e4m3fnuz", 1},
    {"float8_e5m2", 1},    {"float8_e5m2fnuz", 1},
    {"float8_e8m0fnu", 1}, {"float4_e2m1fn_x2", 1},
}};

// In the order of Kind.
constexpr std::array<const char*, 25> kKinds = {
    "None",
    "bool",
    "int",
    "int beyond 64 bits",
    "float",
    "complex",
    "str",
    "bytes",
    "bytearray",
    "list",
    "tuple",
    "set",
    "dict",
    "OrderedDict",
    "Counter",
    "defaultdict",
    "torch.Size",
    "torch.dtype",
    "torch.device",
    "torch.layout",
    "Enum",
    "Tensor",
    "sparse COO tensor",
    "sparse CSR tensor",
    "opaque object",
};

}  // namespace

const char* kind_name(Kind kind) { return kKinds[static_cast<size_t>(kind)]; }

const char* dtype_name(Dtype dtype) { return kDtypes[static_cast<size_t>(dtype)].name; }

uint32_t dtype_size(Dtype dtype) { return kDtypes[static_cast<size_t>(dtype)].size; }

std::optional<Dtype> dtype_from_name(std::string_view name) {
  for (size_t i = 0; i < kDtypes.size(); ++i)
    if (name == kDtypes[i].name) return static_cast<Dtype>(i);
  return std::nullopt;
}

}  // namespace cooper4j
