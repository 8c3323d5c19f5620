#include "checkpoint/pickle/globals.h"

namespace cooper4j {
namespace {

struct Row {
  std::string_view name;
  Global global;
};

// Python 2's "__builtin__" is what protocol 2 writes for "builtins".
constexpr Row kRows[] = {
    {"collections.OrderedDict", Global::kOrderedDict},
    {"collections.Counter", Global::kCounter},
    {"collections.defaultdict", Global::kDefaultDict},
    {"builtins.list", Global::kDefaultFactory},
    {"builtins.dict", Global::kDefaultFactory},
    {"builtins.int", Global::kDefaultFactory},
    {"builtins.float", Global::kDefaultFactory},
    {"builtins.str", Global::kDefaultFactory},
    {"builtins.tuple", Global::kDefaultFactory},
    {"builtins.bool", Global::kDefaultFactory},
    {"builtins.long", Global::kDefaultFactory},  // int and str in protocol 2
    {"builtins.unicode", Global::kDefaultFactory},
    {"builtins.set", Global::kSet},
    {"builtins.bytes", Global::kBytes},
    {"builtins.bytearray", Global::kByteArray},
    {"builtins.complex", Global::kComplex},
    {"_codecs.encode", Global::kEncode},
    {"torch.Size", Global::kSize},
    {"torch.device", Global::kDevice},
    {"torch.serialization._get_layout", Global::kGetLayout},
    {"torch.Tensor", Global::kTensor},
    {"torch.nn.parameter.Parameter", Global::kParameter},
    {"torch.nn.parameter.Buffer", Global::kBuffer},
    {"torch.storage.UntypedStorage", Global::kUntypedStorage},
    {"torch._utils._rebuild_tensor", Global::kRebuildTensor},
    {"torch._utils._rebuild_tensor_v2", Global::kRebuildTensorV2},
    {"torch._utils._rebuild_tensor_v3", Global::kRebuildTensorV3},
    {"torch._utils._rebuild_parameter", Global::kRebuildParameter},
    {"torch._utils._rebuild_parameter_with_state", Global::kRebuildParameterWithState},
    {"torch._utils._rebuild_sparse_tensor", Global::kRebuildSparseTensor},
    {"torch._tensor._rebuild_from_type_v2", Global::kRebuildFromTypeV2},
    {kNuPIInitTypeName, Global::kNuPIInitType},
    {"numpy.dtype", Global::kNumpyDtype},
    {"numpy.ndarray", Global::kNumpyArray},
    {"numpy._core.multiarray._reconstruct", Global::kNumpyReconstruct},
    {"numpy._core.multiarray.scalar", Global::kNumpyScalar},
    {"numpy._core.numeric._frombuffer", Global::kNumpyFromBuffer},
};

struct StorageRow {
  const char* name;
  Dtype dtype;
};

constexpr StorageRow kStorages[] = {
    {"DoubleStorage", Dtype::kFloat64},
    {"FloatStorage", Dtype::kFloat32},
    {"HalfStorage", Dtype::kFloat16},
    {"BFloat16Storage", Dtype::kBFloat16},
    {"ComplexDoubleStorage", Dtype::kComplex128},
    {"ComplexFloatStorage", Dtype::kComplex64},
    {"ByteStorage", Dtype::kUInt8},
    {"CharStorage", Dtype::kInt8},
    {"ShortStorage", Dtype::kInt16},
    {"IntStorage", Dtype::kInt32},
    {"LongStorage", Dtype::kInt64},
    {"BoolStorage", Dtype::kBool},
};

}  // namespace

std::optional<GlobalRef> find_global(std::string_view module, std::string_view name) {
  if (module == "__builtin__") module = "builtins";
  if (module == "numpy.core.multiarray") module = "numpy._core.multiarray";  // before numpy 2
  if (module == "numpy.core.numeric") module = "numpy._core.numeric";
  for (const Row& row : kRows) {
    const bool same = row.name.size() == module.size() + 1 + name.size() &&
                      row.name.substr(0, module.size()) == module &&
                      row.name[module.size()] == '.' && row.name.substr(module.size() + 1) == name;
    if (same) return GlobalRef{row.global};
  }
  if (module != "torch") return std::nullopt;
  for (const StorageRow& row : kStorages)
    if (name == row.name) return GlobalRef{Global::kTypedStorage, row.dtype};
  if (const auto dtype = dtype_from_name(name)) return GlobalRef{Global::kDtype, *dtype};
  return std::nullopt;
}

const char* typed_storage_name(Dtype dtype) {
  for (const StorageRow& row : kStorages)
    if (dtype == row.dtype) return row.name;
  return nullptr;
}

}  // namespace cooper4j
