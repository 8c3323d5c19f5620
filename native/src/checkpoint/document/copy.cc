#include "checkpoint/document/copy.h"

#include <utility>

#include "checkpoint/document/tree_walk.h"

namespace cooper4j {

// Mutable containers are made empty at first sight and filled when all that they hold is there;
// everything else is made of its parts.
Node TreeCopy::operator()(Node root) {
  make(root);
  for (size_t next = 0; next < shells_.size(); ++next)
    for_children(shells_[next], [&](Node child) { make(child); });
  for (const Node node : shells_) fill(node);
  shells_.clear();
  return nodes_.at(root);
}

void TreeCopy::make(Node root) {
  std::vector<std::pair<Node, bool>> open = {{root, false}};
  while (!open.empty()) {
    const auto [node, entered] = open.back();
    const Node made = nodes_.count(node) ? kNoNode : entered ? whole(node) : shell(node);
    if (made != kNoNode) {
      nodes_.emplace(node, made);
      if (!entered) shells_.push_back(node);
    }
    if (nodes_.count(node)) {
      open.pop_back();
      continue;
    }
    open.back().second = true;
    for_children(node, [&](Node child) { open.emplace_back(child, false); });
  }
}

template <typename Visit>
void TreeCopy::for_children(Node node, Visit visit) const {
  for (size_t i = 0;; ++i) {
    const Node child = child_of(from_, node, i);
    if (child == kNoNode) return;
    visit(child);
  }
}

Node TreeCopy::shell(Node node) {
  switch (from_.kind(node)) {
    case Kind::kList:
      return to_.list();
    case Kind::kSet:
      return to_.set();
    case Kind::kDict:
      return to_.dict();
    case Kind::kOrderedDict:
      return to_.ordered_dict();
    case Kind::kCounter:
      return to_.counter();
    case Kind::kDefaultDict:
      return to_.default_dict();
    default:
      return kNoNode;
  }
}

void TreeCopy::fill(Node node) {
  const Node made = nodes_.at(node);
  if (from_.is_dict(node)) {
    for (size_t i = 0; i < from_.size(node); ++i)
      to_.put(made, copied(from_.key(node, i)), copied(from_.value(node, i)));
    if (from_.kind(node) == Kind::kOrderedDict && from_.attrs(node) != kNoNode)
      to_.set_attrs(made, copied(from_.attrs(node)));
  } else {
    for (size_t i = 0; i < from_.size(node); ++i) to_.append(made, copied(from_.item(node, i)));
  }
}

std::vector<Node> TreeCopy::items(Node node) const {
  std::vector<Node> made;
  made.reserve(from_.size(node));
  for (size_t i = 0; i < from_.size(node); ++i) made.push_back(copied(from_.item(node, i)));
  return made;
}

uint32_t TreeCopy::storage(uint32_t index) {
  const auto found = storages_.find(index);
  if (found != storages_.end()) return found->second;
  return storages_.emplace(index, to_.add_storage(from_.storage(index))).first->second;
}

Node TreeCopy::whole(Node node) {
  switch (from_.kind(node)) {
    case Kind::kNone:
      return to_.none();
    case Kind::kBool:
      return to_.boolean(from_.as_bool(node));
    case Kind::kInt:
      return to_.integer(from_.as_int(node));
    case Kind::kBigInt:
      return to_.big_integer(from_.big_integer_bytes(node));
    case Kind::kFloat:
      return to_.number(from_.as_double(node));
    case Kind::kComplex:
      return to_.complex(from_.as_complex(node));
    case Kind::kStr:
      return to_.str(from_.as_string(node));
    case Kind::kBytes:
      return to_.bytes(from_.as_string(node));
    case Kind::kByteArray:
      return to_.bytearray(from_.as_string(node));
    case Kind::kTuple:
      return to_.tuple(items(node));
    case Kind::kSize:
      return to_.size(from_.as_size(node));
    case Kind::kDtype:
      return to_.dtype(from_.as_dtype(node));
    case Kind::kDevice:
      return to_.device(from_.as_string(node));
    case Kind::kLayout:
      return to_.layout(from_.as_string(node));
    case Kind::kEnum:
      return to_.enumeration(from_.as_string(node), copied(from_.enum_value(node)));
    case Kind::kOpaque:
      return to_.opaque(from_.as_string(node));
    case Kind::kTensor: {
      TensorInfo info = from_.as_tensor(node);
      info.storage = storage(info.storage);
      info.attrs = copied(info.attrs);
      return to_.tensor(std::move(info));
    }
    case Kind::kSparseCoo:
    case Kind::kSparseCsr: {
      SparseInfo info = from_.as_sparse(node);
      for (Node* part : {&info.first, &info.second, &info.third}) *part = copied(*part);
      return from_.kind(node) == Kind::kSparseCoo ? to_.sparse_coo(std::move(info))
                                                  : to_.sparse_csr(std::move(info));
    }
    default:
      return kNoNode;  // a container, which shell() makes
  }
}

}  // namespace cooper4j
