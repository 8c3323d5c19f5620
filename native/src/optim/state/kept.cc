#include "optim/state/kept.h"

#include <algorithm>
#include <cstring>

#include "checkpoint/document/copy.h"
#include "checkpoint/document/extent.h"
#include "cooper4j/checkpoint.h"

namespace cooper4j::optim {
namespace {

bool is_sequence(Kind kind) { return kind == Kind::kTuple || kind == Kind::kList; }

}  // namespace

std::optional<double> number_of(Document& document, Node node) {
  switch (document.kind(node)) {
    case Kind::kBool:
      return document.as_bool(node);
    case Kind::kInt:
    case Kind::kFloat:
      return document.as_double(node);
    case Kind::kTensor: {
      const TensorInfo& info = document.as_tensor(node);
      if (require_elements(info.sizes) != 1 || is_complex(info.dtype)) return std::nullopt;
      return to_tensor(document, node).item<double>();
    }
    default:
      return std::nullopt;
  }
}

std::shared_ptr<KeptGroups> kept_groups(const torch::optim::Optimizer& optimizer) {
  const auto entry = optimizer.state().find(const_cast<torch::optim::Optimizer*>(&optimizer));
  if (entry == optimizer.state().end()) return nullptr;
  return dynamic_cast<const HasKeptGroups&>(*entry->second).kept;
}

void keep_group(const Document& from, Node dict, KeptGroups& kept) {
  TreeCopy copy(from, kept.document);
  const Node group = kept.document.dict();
  for (size_t i = 0; i < from.size(dict); ++i) {
    const Node key = from.key(dict, i);
    if (from.kind(key) == Kind::kStr && from.as_string(key) == "params") continue;
    kept.document.put(group, copy(key), copy(from.value(dict, i)));
  }
  kept.groups.push_back(group);
}

bool same_value(Document& a, Node left, Document& b, Node right) {
  if (is_sequence(a.kind(left)) && is_sequence(b.kind(right))) {
    if (a.size(left) != b.size(right)) return false;
    for (size_t i = 0; i < a.size(left); ++i) {
      const Node x = a.item(left, i);
      const Node y = b.item(right, i);
      // Betas are the only sequences that a layout writes: what nests is something else.
      if (is_sequence(a.kind(x)) || !same_value(a, x, b, y)) return false;
    }
    return true;
  }
  const auto x = number_of(a, left);
  const auto y = number_of(b, right);
  if (x && y) return *x == *y || std::memcmp(&*x, &*y, sizeof *x) == 0;
  if (a.kind(left) != b.kind(right)) return false;
  switch (a.kind(left)) {
    case Kind::kNone:
      return true;
    case Kind::kStr:
      return a.as_string(left) == b.as_string(right);
    case Kind::kEnum:
      return a.as_string(left) == b.as_string(right) &&
             same_value(a, a.enum_value(left), b, b.enum_value(right));
    case Kind::kTensor:
      return a.as_tensor(left).sizes == b.as_tensor(right).sizes &&
             a.as_tensor(left).dtype == b.as_tensor(right).dtype &&
             to_tensor(a, left).equal(to_tensor(b, right));
    default:
      return false;
  }
}

Node merge_group(Document& document, Node written, const std::vector<std::string>& constants,
                 KeptGroups& kept, size_t group) {
  const Node from = kept.groups[group];
  TreeCopy copy(kept.document, document);
  const Node merged = document.dict();
  for (size_t i = 0; i < kept.document.size(from); ++i) {
    const Node key = kept.document.key(from, i);
    const Node value = kept.document.value(from, i);
    const std::string name =
        kept.document.kind(key) == Kind::kStr ? kept.document.as_string(key) : "";
    const Node present = document.find(written, name);
    const bool changed = present != kNoNode &&
                         std::find(constants.begin(), constants.end(), name) == constants.end() &&
                         !same_value(document, present, kept.document, value);
    document.put(merged, copy(key), changed ? present : copy(value));
  }
  for (size_t i = 0; i < document.size(written); ++i) {
    const Node key = document.key(written, i);
    if (document.find(merged, document.as_string(key)) == kNoNode)
      document.put(merged, key, document.value(written, i));
  }
  return merged;
}

}  // namespace cooper4j::optim
