// The classes and functions that a pickle may name. What is not in this list does not load.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cooper4j/document.h"

namespace cooper4j {

enum class Global : uint8_t {
  kOrderedDict,
  kCounter,
  kDefaultDict,
  kDefaultFactory,
  kSet,
  kBytes,
  kByteArray,
  kComplex,
  kEncode,
  kSize,
  kDevice,
  kGetLayout,
  kTensor,
  kParameter,
  kBuffer,
  kDtype,
  kTypedStorage,
  kUntypedStorage,
  kRebuildTensor,
  kRebuildTensorV2,
  kRebuildTensorV3,
  kRebuildParameter,
  kRebuildParameterWithState,
  kRebuildSparseTensor,
  kRebuildFromTypeV2,
  kNuPIInitType,
  kNumpyReconstruct,
  kNumpyScalar,
  kNumpyFromBuffer,
  kNumpyDtype,
  kNumpyArray,
  kOpaque,  // not in the list
};

struct GlobalRef {
  Global global;
  Dtype dtype = Dtype::kFloat32;  // of kDtype and kTypedStorage
};

std::optional<GlobalRef> find_global(std::string_view module, std::string_view name);

inline constexpr const char* kNuPIInitTypeName =
    "cooper.optim.torch_optimizers.nupi_optimizer.nuPIInitType";

/// "FloatStorage" for float32; null for dtypes that only untyped storages hold.
const char* typed_storage_name(Dtype dtype);

}  // namespace cooper4j
