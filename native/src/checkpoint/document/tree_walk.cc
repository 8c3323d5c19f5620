#include "checkpoint/document/tree_walk.h"

namespace cooper4j {
namespace {

constexpr size_t kMaxPath = 400;  // bytes of a path in a message

}  // namespace

bool has_identity(Kind kind) {
  switch (kind) {
    case Kind::kByteArray:
    case Kind::kList:
    case Kind::kSet:
    case Kind::kDict:
    case Kind::kOrderedDict:
    case Kind::kCounter:
    case Kind::kDefaultDict:
    case Kind::kTensor:
    case Kind::kSparseCoo:
    case Kind::kSparseCsr:
    case Kind::kOpaque:
      return true;
    default:
      return false;
  }
}

Node child_of(const Document& doc, Node node, size_t i) {
  switch (doc.kind(node)) {
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kSet:
      return i < doc.size(node) ? doc.item(node, i) : kNoNode;
    case Kind::kDict:
    case Kind::kCounter:
    case Kind::kDefaultDict:
    case Kind::kOrderedDict: {
      const size_t entries = 2 * doc.size(node);
      if (i < entries) return i % 2 == 0 ? doc.key(node, i / 2) : doc.value(node, i / 2);
      return i == entries && doc.kind(node) == Kind::kOrderedDict ? doc.attrs(node) : kNoNode;
    }
    case Kind::kTensor:
      return i == 0 ? doc.attrs(node) : kNoNode;
    case Kind::kEnum:
      return i == 0 ? doc.enum_value(node) : kNoNode;
    case Kind::kSparseCoo:
    case Kind::kSparseCsr: {
      const SparseInfo& parts = doc.as_sparse(node);
      return i == 0 ? parts.first : i == 1 ? parts.second : i == 2 ? parts.third : kNoNode;
    }
    default:
      return kNoNode;
  }
}

TreeWalk::TreeWalk(const Document& document, Node root)
    : doc_(document), entered_(document.node_count()), root_(root) {}

Node TreeWalk::next() {
  Node node = root_;
  root_ = kNoNode;
  while (node == kNoNode && !frames_.empty()) {
    Frame& frame = frames_.back();
    node = child_of(doc_, frame.node, frame.next_child++);
    if (node == kNoNode) frames_.pop_back();
  }
  if (node == kNoNode) return kNoNode;
  depth_ = frames_.size();
  const Kind kind = doc_.kind(node);
  if (!has_identity(kind)) {
    const bool entered = kind == Kind::kTuple || kind == Kind::kEnum;
    if (entered && child_of(doc_, node, 0) != kNoNode) frames_.push_back({node, 0});
  } else if (!entered_[node]) {
    entered_[node] = true;
    frames_.push_back({node, 0});
  }
  return node;
}

std::string TreeWalk::part(const Frame& frame, bool plain) const {
  const Node in = frame.node;
  const size_t at = frame.next_child - 1;
  const Kind kind = doc_.kind(in);
  if (doc_.is_dict(in) && at < 2 * doc_.size(in)) {
    const Node key = doc_.key(in, at / 2);
    const Kind key_kind = doc_.kind(key);
    if (key_kind == Kind::kStr) {
      const std::string& text = doc_.as_string(key);
      return !plain ? "['" + text + "']" : text.empty() ? "''" : text;
    }
    if (key_kind == Kind::kInt) return "[" + doc_.decimal(key) + "]";
    return std::string("[") + kind_name(key_kind) + "]";
  }
  if (kind == Kind::kList || kind == Kind::kTuple || kind == Kind::kSet)
    return "[" + std::to_string(at) + "]";
  return doc_.is_dict(in) || kind == Kind::kTensor ? ".__dict__" : ".parts";
}

std::string TreeWalk::path() const {
  std::string path;
  for (size_t i = 0; i < depth_; ++i) path = shortened(path + part(frames_[i], false));
  return path.empty() ? "the root" : path;
}

std::string TreeWalk::label() const { return depth_ > 0 ? part(frames_[depth_ - 1], true) : ""; }

bool TreeWalk::at_key() const {
  if (depth_ == 0) return false;
  const Frame& in = frames_[depth_ - 1];
  const size_t at = in.next_child - 1;
  return doc_.is_dict(in.node) && at < 2 * doc_.size(in.node) && at % 2 == 0;
}

void TreeWalk::skip() { frames_.resize(depth_); }

std::string shortened(std::string path) {
  if (path.size() <= kMaxPath) return path;
  size_t end = kMaxPath / 2, tail = path.size() - kMaxPath / 2;
  const auto inside = [&](size_t at) { return (path[at] & '\xC0') == '\x80'; };
  while (inside(end)) --end;
  while (tail < path.size() && inside(tail)) ++tail;
  return path.replace(end, tail - end, "…");
}

std::string path_to(const Document& document, Node root, Node target) {
  TreeWalk walk(document, root);
  for (Node node = walk.next(); node != kNoNode; node = walk.next())
    if (node == target) return walk.path();
  return "node " + std::to_string(target);
}

}  // namespace cooper4j
