// Visits a document's tree depth first, without recursion.
//
// Containers with an identity (lists, dicts, tensors, …) are entered at their first sight only;
// tuples and other values each time they are reached. So the walk ends on cycles too.
#pragma once

#include <string>
#include <vector>

#include "cooper4j/document.h"

namespace cooper4j {

class TreeWalk {
 public:
  explicit TreeWalk(const Document& document) : TreeWalk(document, document.root()) {}
  TreeWalk(const Document& document, Node root);

  /// The next node, kNoNode at the end. A second sight of a container is reported, not entered.
  Node next();
  /// Of the node that next() returned last; the root has depth 0.
  size_t depth() const { return depth_; }
  /// Where that is, as Python would write it: "['model']['0.weight']".
  std::string path() const;
  /// The last part of that path: "weight", "[0]".
  std::string label() const;
  /// Whether it is the key of an entry.
  bool at_key() const;
  /// Leaves out what is below it.
  void skip();

 private:
  struct Frame {
    Node node;
    size_t next_child;
  };

  /// Where the last child of a frame stands in it; a str key without its brackets if `plain`.
  std::string part(const Frame& frame, bool plain) const;

  const Document& doc_;
  std::vector<Frame> frames_;
  std::vector<bool> entered_;
  Node root_;
  size_t depth_ = 0;
};

/// A path or name as a message shows it: without the middle of a very long one.
std::string shortened(std::string path);

/// Whether a second sight of the node is a reference to the first one.
bool has_identity(Kind kind);

/// The i-th child: the items, or key and value alternating, then the attributes. kNoNode behind it.
Node child_of(const Document& document, Node node, size_t i);

/// The path of the first way from `root` to `target`.
std::string path_to(const Document& document, Node root, Node target);

}  // namespace cooper4j
