#include "cooper4j/document.h"

#include <stdexcept>
#include <utility>

#include "checkpoint/document/budget.h"
#include "checkpoint/document/device_name.h"
#include "checkpoint/document/extent.h"
#include "checkpoint/document/hash.h"
#include "checkpoint/document/utf8.h"

namespace cooper4j {
namespace {

constexpr const char* kValues = "holding its values";
constexpr const char* kTensors = "describing its tensors";

void require_dims(const std::vector<int64_t>& sizes) {
  if (sizes.size() > kMaxDims)
    throw std::invalid_argument("a tensor has at most " + std::to_string(kMaxDims) +
                                " dimensions, this one " + std::to_string(sizes.size()));
}

}  // namespace

// Seeded, so that no file can choose keys that collide.
Document::Document(const Budget& budget)
    : budget_(std::make_unique<Budget>(budget)), seed_(random_seed()) {}
Document::Document() : Document(Budget()) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Node Document::add(Record record) {
  if (nodes_.size() >= kNoNode - 1)
    throw std::length_error("a document has at most 2^32 - 2 nodes");
  budget_->hold(sizeof(Record), kValues);
  nodes_.push_back(record);
  return static_cast<Node>(nodes_.size() - 1);
}

Node Document::add(Kind kind, size_t index, uint64_t hash) {
  Record record{kind, static_cast<uint32_t>(index), {}};
  record.hash = hash;
  return add(record);
}

void Document::hold_text(std::string_view text) {
  const bool inside = text.size() < sizeof(std::string) / 2;
  budget_->hold(sizeof(std::string) + (inside ? 0 : kAllocated + text.size()), "holding its texts");
}

Node Document::add_text(Kind kind, std::string_view text) {
  hold_text(text);
  texts_.emplace_back(text);
  return add(kind, texts_.size() - 1, hash_text(kind, text));
}

Node Document::add_mapping(Kind kind) {
  budget_->hold(sizeof(Mapping), kValues);
  mappings_.emplace_back();
  return add(kind, mappings_.size() - 1, 0);
}

Node Document::add_sequence(Kind kind, std::vector<Node> items, uint64_t hash) {
  for (Node item : items) record(item);
  const uint64_t block = items.capacity() > 0 ? kAllocated + sizeof(Node) * items.capacity() : 0;
  budget_->hold(sizeof(items) + block, kValues);
  sequences_.push_back(std::move(items));
  return add(kind, sequences_.size() - 1, hash);
}

Node Document::none() { return add(Kind::kNone, 0, 0); }

Node Document::boolean(bool value) { return add(Kind::kBool, 0, value ? 1 : 0); }

Node Document::integer(int64_t value) {
  Record record{Kind::kInt, 0, {}};
  record.integer = value;
  return add(record);
}

Node Document::big_integer(std::string_view bytes) {
  const auto redundant = [&] {
    if (bytes.size() < 2) return false;
    const bool negative = bytes[bytes.size() - 2] & 0x80;
    return bytes.back() == (negative ? '\xff' : '\0');
  };
  while (redundant()) bytes.remove_suffix(1);
  if (bytes.size() > 8) return add_text(Kind::kBigInt, bytes);
  uint64_t value = !bytes.empty() && (bytes.back() & 0x80) ? ~uint64_t{0} : 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return integer(static_cast<int64_t>(value));
}

Node Document::number(double value) {
  Record record{Kind::kFloat, 0, {}};
  record.number = value;
  return add(record);
}

Node Document::complex(std::complex<double> value) {
  budget_->hold(sizeof(value), kValues);
  complexes_.push_back(value);
  return add(Kind::kComplex, complexes_.size() - 1, 0);
}

Node Document::str(std::string_view utf8) {
  const size_t bad = find_invalid_utf8(utf8, Surrogates::kPass);
  if (bad != std::string_view::npos)
    throw std::invalid_argument("a str must be UTF-8, but byte " + std::to_string(bad) +
                                " of it is not; use bytes for binary data");
  return add_text(Kind::kStr, utf8);
}

Node Document::bytes(std::string_view data) { return add_text(Kind::kBytes, data); }

Node Document::bytearray(std::string_view data) { return add_text(Kind::kByteArray, data); }

Node Document::list(std::vector<Node> items) {
  return add_sequence(Kind::kList, std::move(items), 0);
}

Node Document::tuple(std::vector<Node> items) {
  const uint64_t hash = hash_items(items);
  return add_sequence(Kind::kTuple, std::move(items), hash);
}

Node Document::set(const std::vector<Node>& items) {
  const Node node = add_mapping(Kind::kSet);
  for (Node item : items) append(node, item);
  return node;
}

Node Document::dict() { return add_mapping(Kind::kDict); }
Node Document::ordered_dict() { return add_mapping(Kind::kOrderedDict); }
Node Document::counter() { return add_mapping(Kind::kCounter); }
Node Document::default_dict() { return add_mapping(Kind::kDefaultDict); }

Node Document::size(const std::vector<int64_t>& sizes) {
  std::vector<Node> items;
  items.reserve(sizes.size());
  for (int64_t value : sizes) items.push_back(integer(value));
  const uint64_t hash = hash_items(items);
  return add_sequence(Kind::kSize, std::move(items), hash);
}

Node Document::dtype(Dtype dtype) {
  return add(Kind::kDtype, static_cast<size_t>(dtype), hash_text(Kind::kDtype, dtype_name(dtype)));
}

Node Document::device(std::string_view name) {
  if (!is_device_name(name))
    throw std::invalid_argument("expected a device such as 'cpu' or 'cuda:0'");
  return add_text(Kind::kDevice, name);
}

Node Document::layout(std::string_view name) { return add_text(Kind::kLayout, name); }

Node Document::enumeration(std::string_view cls, Node value) {
  const Kind kind = this->kind(value);
  if (kind != Kind::kInt && kind != Kind::kStr && kind != Kind::kBool && kind != Kind::kFloat)
    mismatch("an int, str, bool or float as the value of an enum", value);
  hold_text(cls);
  texts_.emplace_back(cls);
  Record record{Kind::kEnum, static_cast<uint32_t>(texts_.size() - 1), {}};
  record.child = value;
  return add(record);
}

Node Document::opaque(std::string_view cls) { return add_text(Kind::kOpaque, cls); }

uint32_t Document::add_storage(Storage storage) {
  budget_->hold(sizeof(Storage) + storage.location.size(), "describing its storages");
  storages_.push_back(std::move(storage));
  return static_cast<uint32_t>(storages_.size() - 1);
}

Node Document::tensor(TensorInfo info) {
  require_dims(info.sizes);
  require_extent(info, storage(info.storage));
  if (info.requires_grad && !is_differentiable(info.dtype))
    throw std::invalid_argument(std::string("a ") + dtype_name(info.dtype) +
                                " tensor cannot require gradients");
  if (info.conj && !is_complex(info.dtype))
    throw std::invalid_argument(std::string("a ") + dtype_name(info.dtype) +
                                " tensor cannot be conjugated");
  if (info.attrs != kNoNode) expect(info.attrs, Kind::kDict);
  budget_->hold(sizeof(info) + 2 * (kAllocated + sizeof(int64_t) * info.sizes.size()), kTensors);
  tensors_.push_back(std::move(info));
  return add(Kind::kTensor, tensors_.size() - 1, 0);
}

Node Document::add_sparse(Kind kind, SparseInfo info) {
  require_dims(info.sizes);
  require_elements(info.sizes);
  for (Node part : {info.first, info.second, info.third})
    if (part != kNoNode) expect(part, Kind::kTensor);
  budget_->hold(sizeof(info) + sizeof(int64_t) * info.sizes.size(), kTensors);
  sparse_.push_back(std::move(info));
  return add(kind, sparse_.size() - 1, 0);
}

Node Document::sparse_coo(SparseInfo info) {
  require_coo(info, as_tensor(info.first), as_tensor(info.second));
  return add_sparse(Kind::kSparseCoo, std::move(info));
}

Node Document::sparse_csr(SparseInfo info) {
  require_csr(info, as_tensor(info.first), as_tensor(info.second), as_tensor(info.third));
  return add_sparse(Kind::kSparseCsr, std::move(info));
}

void Document::append(Node sequence, Node item) {
  record(item);
  const Record& to = record(sequence);
  if (to.kind == Kind::kSet) return put_entry(mappings_[to.index], item, item);
  if (to.kind != Kind::kList) mismatch("a list or set to append to", sequence);
  grow(sequences_[to.index], *budget_, kValues);
  sequences_[to.index].push_back(item);
}

void Document::put(Node dict, Node key, Node value) {
  record(value);
  dict_mapping(dict);
  put_entry(mappings_[record(dict).index], key, value);
}

void Document::put(Node dict, std::string_view key, Node value) { put(dict, str(key), value); }

void Document::set_attr(Node node, std::string_view name, Node value) {
  Node dict = attrs(node);
  if (dict == kNoNode) {
    dict = this->dict();
    set_attrs(node, dict);
  }
  put(dict, name, value);
}

void Document::set_attrs(Node node, Node dict) {
  expect(dict, Kind::kDict);
  const Record& to = record(node);
  if (to.kind == Kind::kOrderedDict) {
    mappings_[to.index].attrs = dict;
  } else if (to.kind == Kind::kTensor) {
    tensors_[to.index].attrs = dict;
  } else {
    mismatch("an OrderedDict or Tensor to hold attributes", node);
  }
}

void Document::set_root(Node node) {
  record(node);
  root_ = node;
}

}  // namespace cooper4j
