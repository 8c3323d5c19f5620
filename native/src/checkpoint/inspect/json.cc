#include <unordered_map>

#include "checkpoint/document/budget.h"
#include "checkpoint/document/elements.h"
#include "checkpoint/document/json_text.h"
#include "checkpoint/document/tree_walk.h"
#include "checkpoint/inspect/inspect.h"
#include "checkpoint/inspect/output.h"
#include "checkpoint/inspect/sha256.h"
#include "cooper4j/checkpoint.h"

namespace cooper4j {
namespace {

constexpr const char* kTags[] = {
    "none",    "bool",        "int",        "int",    "float",  "complex", "str",
    "bytes",   "bytearray",   "list",       "tuple",  "set",    "dict",    "odict",
    "counter", "defaultdict", "size",       "dtype",  "device", "layout",  "enum",
    "tensor",  "sparse_coo",  "sparse_csr", "opaque",
};
constexpr const char* kCooParts[] = {"indices", "values"};
constexpr const char* kCsrParts[] = {"crow", "col", "values"};
constexpr size_t kLayoutPrefix = 6;  // "torch."
constexpr const char* kCscParts[] = {"ccol", "row", "values"};

bool by_columns(const SparseInfo& info) { return info.layout.back() == 'c'; }

/// Writes a tree with a stack of its own: the file chooses the depth, not the C++ stack.
class JsonTree {
 public:
  JsonTree(const Document& document, std::ostream* out)
      : doc_(document),
        budget_(document.budget()),
        out_(out, budget_),
        hashes_(out != nullptr),
        ids_(document.node_count(), kNoId) {
    budget_.hold(sizeof(uint32_t) * ids_.size(), "telling apart what is shared");
  }

  void write() {
    open(doc_.root());
    while (!frames_.empty()) {
      // next_child may move frames_, so the frame is not held by reference.
      const Frame frame = frames_.back();
      ++frames_.back().next;
      const Node child = before_child(frame);
      if (child == kNoNode) {
        frames_.pop_back();
      } else {
        open(child);
      }
    }
    out_.flush();
  }

 private:
  static constexpr uint32_t kNoId = UINT32_MAX;

  struct Frame {
    Node node;
    size_t next;
  };

  void key(const char* key) {
    out_.add(", \"");
    out_.add(key);
    out_.add("\": ");
  }

  void text(const char* name, std::string_view value) {
    key(name);
    out_.add_json(value);
  }

  void number(const char* name, uint64_t value) {
    key(name);
    out_.add(static_cast<int64_t>(value));
  }

  void flag(const char* name, bool value) {
    key(name);
    out_.add(value ? "true" : "false");
  }

  template <typename At>
  void list(const char* name, size_t count, At at) {
    key(name);
    out_.add("[");
    for (size_t i = 0; i < count; ++i) {
      if (i > 0) out_.add(", ");
      out_.add(at(i));
    }
    out_.add("]");
  }

  void list(const char* name, const std::vector<int64_t>& values) {
    list(name, values.size(), [&](size_t i) { return values[i]; });
  }

  void open(Node node) {
    const Kind kind = doc_.kind(node);
    const bool known = has_identity(kind) && ids_[node] != kNoId;
    if (has_identity(kind) && !known) ids_[node] = next_id_++;
    out_.add("{\"t\": \"");
    out_.add(known                      ? "ref"
             : kind == Kind::kSparseCsr ? doc_.as_sparse(node).layout.c_str() + kLayoutPrefix
                                        : kTags[static_cast<size_t>(kind)]);
    out_.add("\"");
    if (has_identity(kind)) number("id", ids_[node]);
    if (known)
      out_.add("}");
    else
      members(node, kind);
  }

  /// What stands before the children; a value without any is closed here.
  void members(Node node, Kind kind) {
    switch (kind) {
      case Kind::kNone:
        break;
      case Kind::kBool:
        flag("v", doc_.as_bool(node));
        break;
      case Kind::kInt:
        key("v");
        out_.add("\"");
        out_.add(doc_.as_int(node));
        out_.add("\"");
        break;
      case Kind::kBigInt:
        budget_.work(decimal_work(doc_.big_integer_bytes(node).size()), "writing its integers");
        text("v", doc_.decimal(node));
        break;
      case Kind::kFloat:
        text("bits", hex_bits(doc_.as_double(node)));
        break;
      case Kind::kComplex:
        text("re", hex_bits(doc_.as_complex(node).real()));
        text("im", hex_bits(doc_.as_complex(node).imag()));
        break;
      case Kind::kStr:
      case Kind::kDevice:
      case Kind::kLayout:
        text("v", doc_.as_string(node));
        break;
      case Kind::kBytes:
      case Kind::kByteArray:
        key("hex");
        out_.add_hex(doc_.as_string(node));
        break;
      case Kind::kDtype:
        text("v", dtype_name(doc_.as_dtype(node)));
        break;
      case Kind::kSize:
        list("v", doc_.size(node), [&](size_t i) { return doc_.as_int(doc_.item(node, i)); });
        break;
      case Kind::kEnum:
        text("cls", doc_.as_string(node));
        frames_.push_back({node, 0});
        return;
      case Kind::kOpaque:
        text("cls", doc_.as_string(node));
        break;
      case Kind::kTensor:
        tensor(node);
        frames_.push_back({node, 0});
        return;
      case Kind::kSparseCoo:
      case Kind::kSparseCsr:
        sparse(node);
        frames_.push_back({node, 0});
        return;
      default:
        out_.add(", \"items\": [");
        frames_.push_back({node, 0});
        return;
    }
    out_.add("}");
  }

  void tensor(Node node) {
    const TensorInfo& info = doc_.as_tensor(node);
    text("dtype", dtype_name(info.dtype));
    list("shape", info.sizes);
    list("stride", info.strides);
    number("offset", static_cast<uint64_t>(info.offset));
    flag("requires_grad", info.requires_grad);
    flag("param", info.parameter);
    flag("conj", info.conj);
    flag("neg", info.neg);
    number("storage", storages_.emplace(info.storage, storages_.size()).first->second);
    number("storage_nbytes", doc_.storage(info.storage).nbytes);
    key("sha256");
    out_.add(hash(info));
  }

  /// The hash of the values in quotes; null where a stretched tensor would cost too much.
  std::string hash(const TensorInfo& info) {
    const uint64_t work = piece_work(info);
    if (work > budget_.work_left()) return "null";
    budget_.work(work, "hashing its tensors");
    Sha256 digest;
    if (hashes_) for_each_piece(doc_, info, [&](std::string_view piece) { digest.update(piece); });
    return "\"" + digest.hex() + "\"";
  }

  void sparse(Node node) {
    const SparseInfo& info = doc_.as_sparse(node);
    list("shape", info.sizes);
    if (doc_.kind(node) == Kind::kSparseCsr) return;
    key("coalesced");
    out_.add(!info.coalesced ? "null" : *info.coalesced ? "true" : "false");
  }

  /// Punctuation up to the next child, which is returned; behind the last one closes the value.
  Node before_child(const Frame& frame) {
    const size_t i = frame.next;
    const Node child = child_of(doc_, frame.node, i);
    if (doc_.is_dict(frame.node)) {
      const size_t end = 2 * doc_.size(frame.node);
      if (i > 0 && i <= end && i % 2 == 0) out_.add("]");
      if (i < end) out_.add(i % 2 != 0 ? ", " : i > 0 ? ", [" : "[");
      if (i == end) out_.add(child != kNoNode ? "], \"attrs\": " : "]");
      if (child == kNoNode) out_.add("}");
      return child;
    }
    switch (doc_.kind(frame.node)) {
      case Kind::kTensor:
        out_.add(child != kNoNode ? ", \"attrs\": " : "}");
        break;
      case Kind::kEnum:
        out_.add(child != kNoNode ? ", \"v\": " : "}");
        break;
      case Kind::kSparseCoo:
        part(child, i < 2 ? kCooParts[i] : "");
        break;
      case Kind::kSparseCsr:
        part(child, i == 3                                   ? ""
                    : by_columns(doc_.as_sparse(frame.node)) ? kCscParts[i]
                                                             : kCsrParts[i]);
        break;
      default:
        out_.add(child == kNoNode ? "]}" : i > 0 ? ", " : "");
    }
    return child;
  }

  void part(Node child, const char* key) {
    if (child != kNoNode)
      this->key(key);
    else
      out_.add("}");
  }

  const Document& doc_;
  Budget budget_;
  Output out_;
  bool hashes_;
  std::vector<Frame> frames_;
  std::vector<uint32_t> ids_;
  uint32_t next_id_ = 0;
  std::unordered_map<uint32_t, size_t> storages_;
};

}  // namespace

void json_tree(const Document& document, std::ostream* out) { JsonTree(document, out).write(); }

}  // namespace cooper4j
