// Trees from one document in another.
#pragma once

#include <unordered_map>
#include <vector>

#include "cooper4j/document.h"

namespace cooper4j {

/// Copies nodes, each once however often it is reached, so that sharing and cycles stay; storages
/// are shared. Costs what the nodes' number is, not their depth.
class TreeCopy {
 public:
  TreeCopy(const Document& from, Document& to) : from_(from), to_(to) {}

  Node operator()(Node root);

 private:
  void make(Node root);
  template <typename Visit>
  void for_children(Node node, Visit visit) const;
  Node shell(Node node);
  Node whole(Node node);
  void fill(Node node);
  Node copied(Node node) const { return node == kNoNode ? kNoNode : nodes_.at(node); }
  std::vector<Node> items(Node node) const;
  uint32_t storage(uint32_t index);

  const Document& from_;
  Document& to_;
  std::unordered_map<Node, Node> nodes_;
  std::vector<Node> shells_;  // not yet filled
  std::unordered_map<uint32_t, uint32_t> storages_;
};

}  // namespace cooper4j
