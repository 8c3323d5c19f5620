#include <unordered_map>

#include "checkpoint/document/elements.h"
#include "checkpoint/document/json_text.h"
#include "checkpoint/document/tree_walk.h"
#include "checkpoint/inspect/inspect.h"
#include "checkpoint/inspect/sha256.h"
#include "cooper4j/checkpoint.h"

namespace cooper4j {
namespace {

constexpr const char* kTags[] = {
    "none",      "bool",  "int",    "int",    "float", "complex", "str",        "bytes",
    "bytearray", "list",  "tuple",  "set",    "dict",  "odict",   "counter",    "defaultdict",
    "size",      "dtype", "device", "layout", "enum",  "tensor",  "sparse_coo", "sparse_csr",
};
constexpr const char* kCooParts[] = {"indices", "values"};
constexpr const char* kCsrParts[] = {"crow", "col", "values"};

/// Writes a tree with a stack of its own: the file chooses the depth, not the C++ stack.
class JsonTree {
 public:
  explicit JsonTree(const Document& document) : doc_(document) {}

  std::string write() {
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
    return std::move(out_);
  }

 private:
  struct Frame {
    Node node;
    size_t next;
  };

  void text(const char* key, std::string_view value) {
    out_ += std::string(", \"") + key + "\": ";
    append_json_string(out_, value);
  }

  void number(const char* key, uint64_t value) {
    out_ += std::string(", \"") + key + "\": " + std::to_string(value);
  }

  void flag(const char* key, bool value) {
    out_ += std::string(", \"") + key + "\": " + (value ? "true" : "false");
  }

  void list(const char* key, const std::vector<int64_t>& values) {
    out_ += std::string(", \"") + key + "\": [";
    for (size_t i = 0; i < values.size(); ++i)
      out_ += (i > 0 ? ", " : "") + std::to_string(values[i]);
    out_ += "]";
  }

  void open(Node node) {
    const Kind kind = doc_.kind(node);
    if (has_identity(kind)) {
      const auto [known, first] = ids_.emplace(node, ids_.size());
      if (!first) {
        out_ += "{\"t\": \"ref\", \"id\": " + std::to_string(known->second) + "}";
        return;
      }
    }
    out_ += std::string("{\"t\": \"") + kTags[static_cast<size_t>(kind)] + "\"";
    if (has_identity(kind)) number("id", ids_.at(node));
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
      case Kind::kBigInt:
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
        text("hex", hex(doc_.as_string(node)));
        break;
      case Kind::kDtype:
        text("v", dtype_name(doc_.as_dtype(node)));
        break;
      case Kind::kSize:
        list("v", doc_.as_size(node));
        break;
      case Kind::kEnum:
        text("cls", doc_.as_string(node));
        frames_.push_back({node, 0});
        return;
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
        out_ += ", \"items\": [";
        frames_.push_back({node, 0});
        return;
    }
    out_ += "}";
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
    Sha256 digest;
    for_each_piece(doc_, info, [&](std::string_view piece) { digest.update(piece); });
    text("sha256", digest.hex());
  }

  void sparse(Node node) {
    const SparseInfo& info = doc_.as_sparse(node);
    list("shape", info.sizes);
    if (doc_.kind(node) == Kind::kSparseCsr) return;
    out_ += ", \"coalesced\": ";
    out_ += !info.coalesced ? "null" : *info.coalesced ? "true" : "false";
  }

  /// Punctuation up to the next child, which is returned; behind the last one closes the value.
  Node before_child(const Frame& frame) {
    const size_t i = frame.next;
    const Node child = child_of(doc_, frame.node, i);
    if (doc_.is_dict(frame.node)) {
      const size_t end = 2 * doc_.size(frame.node);
      if (i > 0 && i <= end && i % 2 == 0) out_ += "]";
      if (i < end) out_ += i % 2 != 0 ? ", " : i > 0 ? ", [" : "[";
      if (i == end) out_ += child != kNoNode ? "], \"attrs\": " : "]";
      if (child == kNoNode) out_ += "}";
      return child;
    }
    switch (doc_.kind(frame.node)) {
      case Kind::kTensor:
        out_ += child != kNoNode ? ", \"attrs\": " : "}";
        break;
      case Kind::kEnum:
        out_ += child != kNoNode ? ", \"v\": " : "}";
        break;
      case Kind::kSparseCoo:
        part(child, i < 2 ? kCooParts[i] : "");
        break;
      case Kind::kSparseCsr:
        part(child, i < 3 ? kCsrParts[i] : "");
        break;
      default:
        out_ += child == kNoNode ? "]}" : i > 0 ? ", " : "";
    }
    return child;
  }

  void part(Node child, const char* key) {
    out_ += child != kNoNode ? std::string(", \"") + key + "\": " : "}";
  }

  const Document& doc_;
  std::string out_;
  std::vector<Frame> frames_;
  std::unordered_map<Node, size_t> ids_;
  std::unordered_map<uint32_t, size_t> storages_;
};

}  // namespace

std::string json_tree(const Document& document) { return JsonTree(document).write(); }

}  // namespace cooper4j
