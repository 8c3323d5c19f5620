// An in-memory model of the Python object graph that a checkpoint holds. Free of LibTorch.
//
// A Document is an arena: a Node is an index into it, so that sharing and cycles cost nothing and
// neither traversal nor destruction needs to recurse. Identity is the Node: one list reached on two
// ways is one Node. Nodes live as long as their Document and cannot be removed.
//
// Ownership: a Storage's bytes are shared by reference count with whoever else holds them.
// Threads:   one thread at a time while building; any number of readers after that.
// Errors:    std::invalid_argument, naming what was expected and what was found.
#pragma once

#include <complex>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cooper4j/export.h"

namespace cooper4j {

using Node = uint32_t;
inline constexpr Node kNoNode = UINT32_MAX;

enum class Kind : uint8_t {
  kNone,
  kBool,
  kInt,
  kBigInt,
  kFloat,
  kComplex,
  kStr,
  kBytes,
  kByteArray,
  kList,
  kTuple,
  kSet,
  kDict,
  kOrderedDict,
  kCounter,
  kDefaultDict,
  kSize,
  kDtype,
  kDevice,
  kLayout,
  kEnum,
  kTensor,
  kSparseCoo,
  kSparseCsr,
  kOpaque,
};

/// Python's word for the kind: "dict", "OrderedDict", "torch.Size", …
COOPER4J_EXPORT const char* kind_name(Kind kind);

enum class Dtype : uint8_t {
  kFloat64,
  kFloat32,
  kFloat16,
  kBFloat16,
  kComplex128,
  kComplex64,
  kComplex32,
  kUInt8,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUInt16,
  kUInt32,
  kUInt64,
  kBool,
  kFloat8E4M3Fn,
  kFloat8E4M3Fnuz,
  kFloat8E5M2,
  kFloat8E5M2Fnuz,
  kFloat8E8M0Fnu,
  kFloat4E2M1FnX2,
};

/// torch's name without the module: "float32", "bfloat16", "bool", …
COOPER4J_EXPORT const char* dtype_name(Dtype dtype);
COOPER4J_EXPORT std::optional<Dtype> dtype_from_name(std::string_view name);
/// Bytes an element takes: 1 to 16.
COOPER4J_EXPORT uint32_t dtype_size(Dtype dtype);

/// Bytes that one or more tensors view.
struct Storage {
  uint64_t nbytes = 0;
  std::shared_ptr<void> data;    ///< CPU memory; null when nbytes is 0 or while not yet filled in
  std::string location = "cpu";  ///< as torch.save tags it: "cpu", "cuda:0"
  std::optional<Dtype> dtype;    ///< of a typed storage; none for torch.UntypedStorage
};

/// A strided view of a storage; sizes, strides and offset count elements.
struct TensorInfo {
  uint32_t storage = 0;
  Dtype dtype = Dtype::kFloat32;
  int64_t offset = 0;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
  bool requires_grad = false;
  bool parameter = false;  ///< torch.nn.Parameter
  bool conj = false;       ///< torch.Tensor.is_conj
  bool neg = false;        ///< torch.Tensor.is_neg
  Node attrs = kNoNode;    ///< the tensor's __dict__, where it has one
};

/// torch.sparse_coo: first = indices [sparse_dim, nnz], second = values.
/// The compressed layouts: first = the compressed indices (crow or ccol), second = the plain ones
/// (col or row), third = values.
struct SparseInfo {
  Node first = kNoNode;
  Node second = kNoNode;
  Node third = kNoNode;
  std::vector<int64_t> sizes;
  std::string layout = "torch.sparse_csr";  ///< of kSparseCsr; also …_csc, …_bsr, …_bsc
  std::optional<bool> coalesced;            ///< COO only; none in files of old versions
};

class Budget;

class COOPER4J_EXPORT Document {
 public:
  Document();
  /// What is added is counted; see LoadOptions::limit.
  explicit Document(const Budget& budget);
  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  // Building. Every call makes a new node; none(), boolean() and integer() may be shared freely.
  Node none();
  Node boolean(bool value);
  Node integer(int64_t value);
  /// From Python's own form: two's complement, little-endian. Becomes kInt where it fits 64 bits.
  Node big_integer(std::string_view twos_complement);
  Node number(double value);
  Node complex(std::complex<double> value);
  /// UTF-8 in which lone surrogates may stand (Python's "surrogatepass"); anything else throws.
  Node str(std::string_view utf8);
  Node bytes(std::string_view data);
  Node bytearray(std::string_view data);
  Node list(std::vector<Node> items = {});
  Node tuple(std::vector<Node> items);
  Node set(const std::vector<Node>& items = {});
  Node dict();
  Node ordered_dict();
  Node counter();
  Node default_dict();
  Node size(const std::vector<int64_t>& sizes);
  Node dtype(Dtype dtype);
  Node device(std::string_view name);  ///< "cpu", "cuda:1"
  Node layout(std::string_view name);  ///< "torch.strided", "torch.sparse_coo", …
  /// `cls` is the dotted path, as "cooper.optim.torch_optimizers.nupi_optimizer.nuPIInitType".
  Node enumeration(std::string_view cls, Node value);
  /// An object of a class that is not read; `cls` is the dotted path. Two are never equal, and
  /// save() refuses them.
  Node opaque(std::string_view cls);
  uint32_t add_storage(Storage storage);
  /// Throws unless sizes, strides and offset stay inside the storage.
  Node tensor(TensorInfo info);
  Node sparse_coo(SparseInfo info);
  Node sparse_csr(SparseInfo info);  ///< of any compressed layout

  /// list.append, set.add.
  void append(Node sequence, Node item);
  /// dict[key] = value, by Python's equality of keys (1, 1.0 and True are one key).
  void put(Node dict, Node key, Node value);
  void put(Node dict, std::string_view key, Node value);
  /// Sets an attribute of an OrderedDict or a tensor (its __dict__).
  void set_attr(Node node, std::string_view name, Node value);
  /// Makes `dict` the __dict__ of an OrderedDict or a tensor.
  void set_attrs(Node node, Node dict);
  void set_root(Node node);

  // Reading.
  Node root() const { return root_; }  ///< kNoNode before set_root
  size_t node_count() const { return nodes_.size(); }
  Kind kind(Node node) const;
  bool is_dict(Node node) const;  ///< kDict, kOrderedDict, kCounter or kDefaultDict
  bool as_bool(Node node) const;
  int64_t as_int(Node node) const;
  double as_double(Node node) const;  ///< kFloat, kInt
  std::complex<double> as_complex(Node node) const;
  /// kStr (UTF-8), kBytes, kByteArray, kDevice, kLayout; the class path of kEnum and kOpaque.
  const std::string& as_string(Node node) const;
  /// kBigInt as two's complement, little-endian, minimal.
  const std::string& big_integer_bytes(Node node) const;
  std::string decimal(Node node) const;  ///< kInt, kBigInt
  Dtype as_dtype(Node node) const;
  Node enum_value(Node node) const;
  std::vector<int64_t> as_size(Node node) const;
  size_t size(Node node) const;          ///< of any container
  Node item(Node node, size_t i) const;  ///< kList, kTuple, kSet, kSize, in order
  Node key(Node node, size_t i) const;   ///< dicts, in insertion order
  Node value(Node node, size_t i) const;
  Node find(Node dict, std::string_view key) const;  ///< kNoNode if absent
  Node at(Node dict, std::string_view key) const;  ///< throws if absent, naming the keys there are
  Node attrs(Node node) const;  ///< the __dict__ of an OrderedDict or tensor, or kNoNode
  const TensorInfo& as_tensor(Node node) const;
  const SparseInfo& as_sparse(Node node) const;
  const Storage& storage(uint32_t index) const;
  Storage& storage(uint32_t index);
  size_t storage_count() const { return storages_.size(); }

  /// What the file it was read from may still cost; without bounds where a program built it.
  Budget& budget() const { return *budget_; }

  /// A slot for what a layer above wants to live as long as the document (LibTorch's tensors do).
  std::shared_ptr<void>& attachment() { return attachment_; }

 private:
  struct Record {
    Kind kind;
    uint32_t index;  // into the table of the kind
    union {
      int64_t integer;
      double number;
      Node child;     // the value of an enum
      uint64_t hash;  // of texts and tuples; 0: unhashable
    };
  };
  struct Slot {
    uint32_t tag;    // half of the key's hash
    uint32_t entry;  // its index; UINT32_MAX: free
  };
  struct Mapping {
    std::vector<Node> entries;  // key, value, key, value, …
    Node attrs = kNoNode;
    std::vector<Slot> slots;  // finds the keys of a large one, by probing
  };

  Node add(Record record);
  Node add(Kind kind, size_t index, uint64_t hash);
  void hold_text(std::string_view text);
  Node add_text(Kind kind, std::string_view text);
  Node add_mapping(Kind kind);
  Node add_sequence(Kind kind, std::vector<Node> items, uint64_t hash);
  Node add_sparse(Kind kind, SparseInfo info);
  const Record& record(Node node) const;
  const Record& expect(Node node, Kind kind) const;
  [[noreturn]] void mismatch(const std::string& expected, Node node) const;
  const Mapping& dict_mapping(Node node) const;
  const std::vector<Node>& sequence(Node node) const;
  uint64_t hash_text(Kind kind, std::string_view text) const;
  uint64_t hash_integer(int64_t value) const;
  uint64_t hash_number(double value) const;
  uint64_t hash_object(Node key) const;
  uint64_t hash_items(const std::vector<Node>& items) const;
  uint64_t hash_of(Node key) const;  // 0: unhashable
  uint64_t hash_key(Node key) const;
  bool same_key(Node a, Node b) const;
  template <typename Same>
  uint32_t find_entry(const Mapping& mapping, uint64_t hash, Same same) const;
  void add_slot(Mapping& mapping, uint64_t hash, uint32_t entry);
  void put_entry(Mapping& mapping, Node key, Node value);

  // These do not move when they grow.
  std::deque<Record> nodes_;
  std::deque<std::string> texts_;
  std::deque<std::vector<Node>> sequences_;
  std::deque<Mapping> mappings_;  // a set maps its members to themselves
  std::vector<std::complex<double>> complexes_;
  std::vector<TensorInfo> tensors_;
  std::vector<SparseInfo> sparse_;
  std::vector<Storage> storages_;
  std::unique_ptr<Budget> budget_;
  std::shared_ptr<void> attachment_;
  Node root_ = kNoNode;
  uint64_t seed_;
};

}  // namespace cooper4j
