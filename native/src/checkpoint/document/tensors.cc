#include <ATen/ATen.h>
#include <c10/core/Storage.h>

#include <stdexcept>
#include <unordered_map>

#include "checkpoint/document/budget.h"
#include "checkpoint/document/elements.h"
#include "cooper4j/checkpoint.h"

namespace cooper4j {
namespace {

constexpr std::pair<Dtype, at::ScalarType> kDtypes[] = {
    {Dtype::kFloat64, at::kDouble},
    {Dtype::kFloat32, at::kFloat},
    {Dtype::kFloat16, at::kHalf},
    {Dtype::kBFloat16, at::kBFloat16},
    {Dtype::kComplex128, at::kComplexDouble},
    {Dtype::kComplex64, at::kComplexFloat},
    {Dtype::kComplex32, at::kComplexHalf},
    {Dtype::kUInt8, at::kByte},
    {Dtype::kInt8, at::kChar},
    {Dtype::kInt16, at::kShort},
    {Dtype::kInt32, at::kInt},
    {Dtype::kInt64, at::kLong},
    {Dtype::kUInt16, at::kUInt16},
    {Dtype::kUInt32, at::kUInt32},
    {Dtype::kUInt64, at::kUInt64},
    {Dtype::kBool, at::kBool},
    {Dtype::kFloat8E4M3Fn, at::kFloat8_e4m3fn},
    {Dtype::kFloat8E4M3Fnuz, at::kFloat8_e4m3fnuz},
    {Dtype::kFloat8E5M2, at::kFloat8_e5m2},
    {Dtype::kFloat8E5M2Fnuz, at::kFloat8_e5m2fnuz},
    {Dtype::kFloat8E8M0Fnu, at::kFloat8_e8m0fnu},
    {Dtype::kFloat4E2M1FnX2, at::kFloat4_e2m1fn_x2},
};

constexpr std::pair<const char*, at::Layout> kCompressed[] = {
    {"torch.sparse_csr", at::kSparseCsr},
    {"torch.sparse_csc", at::kSparseCsc},
    {"torch.sparse_bsr", at::kSparseBsr},
    {"torch.sparse_bsc", at::kSparseBsc},
};

at::Layout compressed_layout(const std::string& name) {
  for (const auto& [known, layout] : kCompressed) {
    if (name == known) {
      return layout;
    }
  }
  throw std::invalid_argument("LibTorch makes no tensor of layout " + name);
}

const char* compressed_name(at::Layout layout) {
  for (const auto& [name, known] : kCompressed) {
    if (layout == known) {
      return name;
    }
  }
  return nullptr;
}

at::ScalarType scalar_type(Dtype dtype) {
  for (const auto& [ours, torchs] : kDtypes) {
    if (ours == dtype) {
      return torchs;
    }
  }
  throw std::invalid_argument(std::string("LibTorch makes no tensor of dtype ") +
                              dtype_name(dtype));
}

Dtype dtype_of(at::ScalarType type) {
  for (const auto& [ours, torchs] : kDtypes) {
    if (torchs == type) {
      return ours;
    }
  }
  throw std::invalid_argument(std::string("no checkpoint holds a tensor of type ") +
                              c10::toString(type));
}

/// torch.save has typed storages for the dtypes of old; newer ones lie in untyped storages.
bool has_typed_storage(Dtype dtype) {
  switch (dtype) {
    case Dtype::kComplex32:
    case Dtype::kUInt16:
    case Dtype::kUInt32:
    case Dtype::kUInt64:
    case Dtype::kFloat8E4M3Fn:
    case Dtype::kFloat8E4M3Fnuz:
    case Dtype::kFloat8E5M2:
    case Dtype::kFloat8E5M2Fnuz:
    case Dtype::kFloat8E8M0Fnu:
    case Dtype::kFloat4E2M1FnX2:
      return false;
    default:
      return true;
  }
}

/// What keeps identity: one tensor a node, one c10::Storage a storage, and back.
struct Tensors {
  std::unordered_map<Node, at::Tensor> by_node;
  std::unordered_map<uint32_t, c10::Storage> storages;
  std::unordered_map<const c10::StorageImpl*, uint32_t> storage_indices;
  std::unordered_map<const c10::TensorImpl*, Node> nodes;
};

Tensors& tensors_of(Document& document) {
  if (!document.attachment()) {
    document.attachment() = std::make_shared<Tensors>();
  }
  return *static_cast<Tensors*>(document.attachment().get());
}

c10::Storage on_cpu(const Storage& storage) {
  auto* owner = new std::shared_ptr<void>(storage.data);
  c10::DataPtr data(
      storage.data.get(), owner,
      [](void* context) { delete static_cast<std::shared_ptr<void>*>(context); },
      c10::Device(c10::kCPU));
  return c10::Storage(c10::Storage::use_byte_size_t(), storage.nbytes, std::move(data));
}

at::Tensor bytes_of(const c10::Storage& storage) {
  const auto options = at::TensorOptions(at::kByte).device(storage.device());
  return at::empty({0}, options)
      .set_(storage, 0, {static_cast<int64_t>(storage.nbytes())}, {int64_t{1}});
}

const c10::Storage& storage_of(Document& document, uint32_t index) {
  auto& known = tensors_of(document).storages;
  const auto found = known.find(index);
  if (found != known.end()) {
    return found->second;
  }
  const Storage& storage = document.storage(index);
  c10::Storage made = on_cpu(storage);
  if (storage.location != "cpu") {
    made = bytes_of(made).to(c10::Device(storage.location)).storage();
  }
  return known.emplace(index, std::move(made)).first->second;
}

at::Tensor strided(Document& document, Node node) {
  const TensorInfo& info = document.as_tensor(node);
  const c10::Storage& storage = storage_of(document, info.storage);
  const auto options = at::TensorOptions(scalar_type(info.dtype)).device(storage.device());
  at::Tensor tensor = at::empty({0}, options).set_(storage, info.offset, info.sizes, info.strides);
  tensor._set_conj(info.conj);
  tensor._set_neg(info.neg);
  return info.requires_grad ? tensor.requires_grad_(true) : tensor;
}

/// LibTorch looks at every index, of which an expanded tensor may have any number.
void count_indices(const Document& document, std::initializer_list<Node> parts) {
  constexpr uint64_t kSteps = 4;
  for (const Node part : parts) {
    const TensorInfo& info = document.as_tensor(part);
    const uint64_t bytes = logical_bytes(info);
    document.budget().work(kSteps * (bytes / dtype_size(info.dtype)), "checking sparse indices");
    document.budget().hold(bytes, "checking sparse indices");
    document.budget().release(bytes);
  }
}

at::Tensor make(Document& document, Node node) {
  if (document.kind(node) == Kind::kTensor) {
    return strided(document, node);
  }
  const SparseInfo& info = document.as_sparse(node);
  if (document.kind(node) == Kind::kSparseCoo) {
    count_indices(document, {info.first});
    const at::Tensor values = to_tensor(document, info.second);
    const at::Tensor indices = to_tensor(document, info.first);
    // The factories trust indices; a kernel that reads past the end would not.
    at::_validate_sparse_coo_tensor_args(indices, values, info.sizes, info.coalesced);
    return at::sparse_coo_tensor(indices, values, info.sizes, values.options().layout(at::kSparse),
                                 info.coalesced.value_or(false));
  }
  count_indices(document, {info.first, info.second});
  const at::Tensor values = to_tensor(document, info.third);
  const at::Tensor compressed = to_tensor(document, info.first);
  const at::Tensor plain = to_tensor(document, info.second);
  const at::Layout layout = compressed_layout(info.layout);
  at::_validate_sparse_compressed_tensor_args(compressed, plain, values, info.sizes, layout);
  return at::sparse_compressed_tensor(compressed, plain, values, info.sizes,
                                      values.options().layout(layout));
}

uint32_t add_storage(Document& document, const at::Tensor& tensor, Dtype dtype) {
  auto& known = tensors_of(document).storage_indices;
  const c10::Storage& storage = tensor.storage();
  const auto found = known.find(storage.unsafeGetStorageImpl());
  if (found != known.end()) {
    return found->second;
  }
  const c10::Storage local =
      storage.device().is_cpu() ? storage : bytes_of(storage).to(at::kCPU).storage();
  Storage added;
  added.nbytes = local.nbytes();
  added.location = storage.device().is_cpu() ? "cpu" : storage.device().str();
  if (has_typed_storage(dtype)) {
    added.dtype = dtype;
  }
  added.data = std::shared_ptr<void>(std::make_shared<c10::Storage>(local), local.mutable_data());
  const uint32_t index = document.add_storage(std::move(added));
  known.emplace(storage.unsafeGetStorageImpl(), index);
  // Keeps the address taken for as long as it is a key.
  tensors_of(document).storages.emplace(index, storage);
  return index;
}

}  // namespace

at::Tensor to_tensor(Document& document, Node node) {
  auto& known = tensors_of(document).by_node;
  const auto found = known.find(node);
  if (found != known.end()) {
    return found->second;
  }
  try {
    at::Tensor tensor = make(document, node);
    tensors_of(document).by_node.emplace(node, tensor);
    return tensor;
  } catch (const c10::Error& e) {
    throw CheckpointError(std::string("a ") + kind_name(document.kind(node)) +
                          " cannot be made: " + e.what_without_backtrace());
  }
}

Node add_tensor(Document& document, const at::Tensor& tensor, bool parameter) {
  if (!tensor.defined()) {
    throw std::invalid_argument("an undefined tensor cannot be saved; leave it out");
  }
  auto& known = tensors_of(document).nodes;
  const auto found = known.find(tensor.unsafeGetTensorImpl());
  if (found != known.end()) {
    return found->second;
  }
  Node node = kNoNode;
  if (tensor.is_sparse()) {
    SparseInfo info;
    info.first = add_tensor(document, tensor._indices());
    info.second = add_tensor(document, tensor._values());
    info.sizes = tensor.sizes().vec();
    info.coalesced = tensor.is_coalesced();
    node = document.sparse_coo(std::move(info));
  } else if (const char* layout = compressed_name(tensor.layout())) {
    const bool rows = tensor.layout() == at::kSparseCsr || tensor.layout() == at::kSparseBsr;
    SparseInfo info;
    info.layout = layout;
    info.first = add_tensor(document, rows ? tensor.crow_indices() : tensor.ccol_indices());
    info.second = add_tensor(document, rows ? tensor.col_indices() : tensor.row_indices());
    info.third = add_tensor(document, tensor.values());
    info.sizes = tensor.sizes().vec();
    node = document.sparse_csr(std::move(info));
  } else if (tensor.layout() == at::kStrided) {
    TensorInfo info;
    info.dtype = dtype_of(tensor.scalar_type());
    info.storage = add_storage(document, tensor, info.dtype);
    info.offset = tensor.storage_offset();
    info.sizes = tensor.sizes().vec();
    info.strides = tensor.strides().vec();
    info.requires_grad = tensor.requires_grad();
    info.parameter = parameter;
    info.conj = tensor.is_conj();
    info.neg = tensor.is_neg();
    node = document.tensor(std::move(info));
  } else {
    throw std::invalid_argument("no checkpoint holds a tensor of layout " +
                                c10::str(tensor.layout()));
  }
  known.emplace(tensor.unsafeGetTensorImpl(), node);
  tensors_of(document).by_node.emplace(node, tensor);
  return node;
}

}  // namespace cooper4j
