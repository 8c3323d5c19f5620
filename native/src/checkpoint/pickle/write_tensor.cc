// How torch reduces tensors: calls of torch._utils._rebuild_*, over storages named by persistent
// ids.
#include "checkpoint/pickle/globals.h"
#include "checkpoint/pickle/opcodes.h"
#include "checkpoint/pickle/writer.h"

namespace cooper4j {

void PickleWriter::tensor(Node node) {
  TensorInfo info = doc_.as_tensor(node);
  if (info.parameter) {
    const bool requires_grad = info.requires_grad;
    global("torch._utils",
           info.attrs == kNoNode ? "_rebuild_parameter" : "_rebuild_parameter_with_state");
    if (info.attrs != kNoNode) op(pickle::kMark);
    info.requires_grad = false;
    tensor_call(info);
    memoize_new();
    boolean(requires_grad);
    empty_ordered_dict();
    if (info.attrs == kNoNode) {
      call_end(pickle::kTuple3);
      return memoize(node);
    }
  } else if (info.attrs == kNoNode) {
    tensor_call(info);
    return memoize(node);
  } else {
    global("torch._tensor", "_rebuild_from_type_v2");
    op(pickle::kMark);
    global("torch._utils", typed(info.storage) ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3");
    global("torch", "Tensor");
    tensor_args(info);
  }
  then(Do::kCallEnd, node);
  then(Do::kValue, info.attrs);
}

void PickleWriter::tensor_call(const TensorInfo& info) {
  global("torch._utils", typed(info.storage) ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3");
  tensor_args(info);
  op(pickle::kReduce);
}

void PickleWriter::tensor_args(const TensorInfo& info) {
  op(pickle::kMark);
  storage_id(info.storage);
  integer(info.offset);
  sizes(info.sizes);
  sizes(info.strides);
  boolean(info.requires_grad);
  empty_ordered_dict();
  if (!typed(info.storage)) global("torch", dtype_name(info.dtype));
  if (info.conj || info.neg) metadata(info);
  op(pickle::kTuple);
  memoize_new();
}

void PickleWriter::metadata(const TensorInfo& info) {
  const bool both = info.conj && info.neg;
  op(pickle::kEmptyDict);
  memoize_new();
  if (both) op(pickle::kMark);
  for (const char* name : {info.conj ? "conj" : nullptr, info.neg ? "neg" : nullptr}) {
    if (!name) continue;
    text(name);
    boolean(true);
  }
  op(both ? pickle::kSetItems : pickle::kSetItem);
}

void PickleWriter::storage_id(uint32_t index) {
  const Storage& storage = doc_.storage(index);
  if (keys_[index] == UINT32_MAX) {
    keys_[index] = static_cast<uint32_t>(storages_.size());
    storages_.push_back(index);
  }
  op(pickle::kMark);
  constant("storage");
  if (typed(index))
    global("torch", typed_storage_name(*storage.dtype));
  else
    global("torch.storage", "UntypedStorage");
  constant(std::to_string(keys_[index]));
  constant(storage.location);
  integer(static_cast<int64_t>(storage.nbytes / (typed(index) ? dtype_size(*storage.dtype) : 1)));
  op(pickle::kTuple);
  memoize_new();
  op(pickle::kBinPersId);
}

void PickleWriter::sparse(Node node) {
  const SparseInfo& parts = doc_.as_sparse(node);
  global("torch._utils", "_rebuild_sparse_tensor");
  layout(doc_.kind(node) == Kind::kSparseCoo ? "torch.sparse_coo" : parts.layout);
  op(pickle::kMark);
  then(Do::kSparseEnd, node);
  if (parts.third != kNoNode) then(Do::kValue, parts.third);
  then(Do::kValue, parts.second);
  then(Do::kValue, parts.first);
}

void PickleWriter::sparse_end(Node node) {
  const SparseInfo& parts = doc_.as_sparse(node);
  size_call(parts.sizes);
  memoize_new();
  if (doc_.kind(node) == Kind::kSparseCoo) {
    if (parts.coalesced)
      boolean(*parts.coalesced);
    else
      op(pickle::kNone);
  }
  op(pickle::kTuple);
  memoize_new();
  call_end(pickle::kTuple2);
  memoize(node);
}

}  // namespace cooper4j
