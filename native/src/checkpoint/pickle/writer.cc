#include "checkpoint/pickle/writer.h"

#include <algorithm>

#include "checkpoint/document/tree_walk.h"
#include "checkpoint/pickle/globals.h"
#include "checkpoint/pickle/opcodes.h"
#include "cooper4j/checkpoint.h"

namespace cooper4j {
namespace {

constexpr uint32_t kNoSlot = UINT32_MAX;
constexpr size_t kBatch = 1000;  // items per APPENDS and SETITEMS in Python's pickler

// A typed storage can be written only if everything over it has its dtype: torch.load would read a
// view of another dtype as the storage's.
std::vector<bool> find_untyped(const Document& doc) {
  std::vector<bool> untyped(doc.storage_count());
  for (uint32_t i = 0; i < untyped.size(); ++i) {
    const Storage& storage = doc.storage(i);
    untyped[i] = !storage.dtype || !typed_storage_name(*storage.dtype) ||
                 storage.nbytes % dtype_size(*storage.dtype) != 0;
  }
  for (Node node = 0; node < doc.node_count(); ++node) {
    if (doc.kind(node) != Kind::kTensor) continue;
    const TensorInfo& tensor = doc.as_tensor(node);
    if (doc.storage(tensor.storage).dtype != tensor.dtype) untyped[tensor.storage] = true;
  }
  return untyped;
}

}  // namespace

PickleWriter::PickleWriter(const Document& document)
    : doc_(document),
      slots_(document.node_count(), kNoSlot),
      budget_(document.budget()),
      open_tuples_(document.node_count()),
      untyped_(find_untyped(document)),
      keys_(document.storage_count(), kNoSlot) {}

void PickleWriter::fail(Node node, const std::string& why) const {
  throw CheckpointError(path_to(doc_, root_, node) + ": " + why);
}

std::string PickleWriter::write(Node root) {
  root_ = root;
  op(pickle::kProto);
  op('\x02');
  then(Do::kValue, root);
  while (!tasks_.empty()) {
    const Task task = tasks_.back();
    tasks_.pop_back();
    run(task);
    count();
  }
  op(pickle::kStop);
  return std::move(out_);
}

// A value named again and again may be written out each time.
void PickleWriter::count() {
  budget_.hold(out_.size() - counted_, "holding data.pkl");
  budget_.write(out_.size() - counted_, "writing data.pkl");
  counted_ = out_.size();
}

void PickleWriter::run(const Task& task) {
  switch (task.what) {
    case Do::kValue:
      return value(task.node);
    case Do::kListItems:
      return list_items(task.node, task.from);
    case Do::kDictItems:
      return dict_items(task.node, task.from);
    case Do::kOp:
      return op(static_cast<char>(task.from));
    case Do::kTupleEnd:
      return tuple_end(task.node);
    case Do::kSparseEnd:
      return sparse_end(task.node);
    case Do::kCallEnd:
      call_end(pickle::kTuple);
      return memoize(task.node);
    case Do::kCall1End:
      call_end(pickle::kTuple1);
      return memoize(task.node);
  }
}

void PickleWriter::value(Node node) {
  if (slots_[node] != kNoSlot) return get(slots_[node]);
  switch (doc_.kind(node)) {
    case Kind::kNone:
      return op(pickle::kNone);
    case Kind::kBool:
      return boolean(doc_.as_bool(node));
    case Kind::kInt:
      return integer(doc_.as_int(node));
    case Kind::kBigInt:
      if (doc_.big_integer_bytes(node).size() > 255)
        fail(node, "an int of more than 255 bytes, which torch.load does not read");
      return big_integer(doc_.big_integer_bytes(node));
    case Kind::kFloat:
      return number(doc_.as_double(node));
    case Kind::kComplex:
      global("__builtin__", "complex");
      number(doc_.as_complex(node).real());
      number(doc_.as_complex(node).imag());
      call_end(pickle::kTuple2);
      return memoize(node);
    case Kind::kStr:
      if (doc_.as_string(node).size() > UINT32_MAX) fail(node, "a str of more than 4 GiB");
      text(doc_.as_string(node));
      slots_[node] = next_slot_ - 1;
      return;
    case Kind::kBytes:
      return bytes(node);
    case Kind::kByteArray:
      return bytearray(node);
    case Kind::kList:
      op(pickle::kEmptyList);
      memoize(node);
      return list_items(node, 0);
    case Kind::kTuple:
      return tuple(node);
    case Kind::kSet:
      global("__builtin__", "set");
      op(pickle::kEmptyList);
      memoize_new();
      then(Do::kCall1End, node);
      return list_items(node, 0);
    case Kind::kDict:
    case Kind::kDefaultDict:  // torch.load refuses a defaultdict
      op(pickle::kEmptyDict);
      memoize(node);
      return dict_items(node, 0);
    case Kind::kOrderedDict:
      return ordered_dict(node);
    case Kind::kCounter:
      global("collections", "Counter");
      op(pickle::kEmptyDict);
      memoize_new();
      then(Do::kCall1End, node);
      return dict_items(node, 0);
    case Kind::kSize:
      size_call(doc_.as_size(node));
      return memoize(node);
    case Kind::kDtype:
      return global("torch", dtype_name(doc_.as_dtype(node)));
    case Kind::kDevice:
      return device(node);
    case Kind::kLayout:
      return layout(doc_.as_string(node));
    case Kind::kEnum:
      return enumeration(node);
    case Kind::kTensor:
      return tensor(node);
    case Kind::kSparseCoo:
    case Kind::kSparseCsr:
      return sparse(node);
    case Kind::kOpaque:
      fail(node, "an object of " + doc_.as_string(node) +
                     ", of which nothing but the class is known; leave it out");
  }
}

void PickleWriter::list_items(Node node, size_t from) {
  const size_t size = doc_.size(node);
  if (from >= size) return;
  if (size == 1) {
    then(Do::kOp, kNoNode, pickle::kAppend);
    return then(Do::kValue, doc_.item(node, 0));
  }
  const size_t end = std::min(size, from + kBatch);
  op(pickle::kMark);
  then(Do::kListItems, node, end);
  then(Do::kOp, kNoNode, pickle::kAppends);
  for (size_t i = end; i-- > from;) then(Do::kValue, doc_.item(node, i));
}

void PickleWriter::dict_items(Node node, size_t from) {
  const size_t size = doc_.size(node);
  if (from >= size) return;
  const size_t end = std::min(size, from + kBatch);
  // A dict goes in batches even if the last has one item; other mappings' last item goes alone.
  const bool alone = size == 1 || (end - from == 1 && doc_.kind(node) == Kind::kOrderedDict);
  if (!alone) op(pickle::kMark);
  then(Do::kDictItems, node, end);
  then(Do::kOp, kNoNode, static_cast<unsigned char>(alone ? pickle::kSetItem : pickle::kSetItems));
  for (size_t i = end; i-- > from;) {
    then(Do::kValue, doc_.value(node, i));
    then(Do::kValue, doc_.key(node, i));
  }
}

void PickleWriter::ordered_dict(Node node) {
  global("collections", "OrderedDict");
  op(pickle::kEmptyTuple);
  op(pickle::kReduce);
  memoize(node);
  if (doc_.attrs(node) != kNoNode) {
    then(Do::kOp, kNoNode, pickle::kBuild);
    then(Do::kValue, doc_.attrs(node));
  }
  dict_items(node, 0);
}

void PickleWriter::tuple(Node node) {
  const size_t size = doc_.size(node);
  if (size == 0) return op(pickle::kEmptyTuple);
  if (open_tuples_[node])
    fail(node, "a tuple that contains itself, which torch.load does not read");
  open_tuples_[node] = true;
  if (size > 3) op(pickle::kMark);
  then(Do::kTupleEnd, node);
  for (size_t i = size; i-- > 0;) then(Do::kValue, doc_.item(node, i));
}

void PickleWriter::tuple_end(Node node) {
  constexpr char kOps[] = {pickle::kTuple1, pickle::kTuple2, pickle::kTuple3};
  const size_t size = doc_.size(node);
  op(size > 3 ? pickle::kTuple : kOps[size - 1]);
  memoize(node);
}

void PickleWriter::enumeration(Node node) {
  const std::string& cls = doc_.as_string(node);
  const size_t dot = cls.rfind('.');
  if (dot == std::string::npos || cls.find('\n') != std::string::npos)
    fail(node, "an enum needs its class as module.name, found '" + cls + "'");
  global(cls.substr(0, dot), cls.substr(dot + 1));
  then(Do::kCall1End, node);
  then(Do::kValue, doc_.enum_value(node));
}

}  // namespace cooper4j
