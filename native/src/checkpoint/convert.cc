#include <set>
#include <stdexcept>

#include "checkpoint/load.h"
#include "checkpoint/safetensors/safetensors.h"
#include "checkpoint/zip/file_kind.h"
#include "cooper4j/safetensors.h"

namespace cooper4j {
namespace {

/// Finds what a dotted key names, although keys themselves may have dots: longest first.
class KeySearch {
 public:
  KeySearch(const Document& document, const std::string& key) : doc_(document), key_(key) {}

  Node find() {
    if (key_.empty()) return doc_.root();
    const Node found = below(doc_.root(), 0);
    if (found == kNoNode) refuse();
    return found;
  }

 private:
  Node below(Node node, size_t from) {
    if (from > key_.size()) return node;
    if (!tried_.emplace(node, from).second) return kNoNode;
    if (from > best_from_ || best_ == kNoNode) {
      best_ = node;
      best_from_ = from;
    }
    for (size_t end = key_.size();; end = key_.rfind('.', end - 1)) {
      if (end == std::string::npos || end < from) return kNoNode;
      const Node child = at(node, key_.substr(from, end - from));
      const Node found = child == kNoNode ? kNoNode : below(child, end + 1);
      if (found != kNoNode) return found;
      if (end == 0) return kNoNode;
    }
  }

  /// The value of that key, or of the int or index of those digits.
  Node at(Node node, const std::string& part) const {
    const Kind kind = doc_.kind(node);
    const bool index = !part.empty() && part.size() < 10 &&
                       part.find_first_not_of("0123456789") == std::string::npos;
    if ((kind == Kind::kList || kind == Kind::kTuple) && index) {
      const size_t i = std::stoul(part);
      return i < doc_.size(node) ? doc_.item(node, i) : kNoNode;
    }
    if (!doc_.is_dict(node)) return kNoNode;
    const Node found = doc_.find(node, part);
    if (found != kNoNode || !index) return found;
    for (size_t i = 0; i < doc_.size(node); ++i) {
      const Node key = doc_.key(node, i);
      if (doc_.kind(key) == Kind::kInt && doc_.as_int(key) == std::stol(part))
        return doc_.value(node, i);
    }
    return kNoNode;
  }

  [[noreturn]] void refuse() const {
    const std::string reached = best_from_ == 0 ? "" : key_.substr(0, best_from_ - 1) + ": ";
    try {
      doc_.at(best_, key_.substr(best_from_));
    } catch (const std::invalid_argument& e) {
      throw std::invalid_argument(reached + e.what());
    }
    throw std::invalid_argument(reached + "has no such key");
  }

  const Document& doc_;
  const std::string& key_;
  std::set<std::pair<Node, size_t>> tried_;
  Node best_ = kNoNode;  // as far as the key led
  size_t best_from_ = 0;
};

}  // namespace

std::vector<std::string> convert(const std::filesystem::path& in, const std::filesystem::path& out,
                                 const std::string& key, const LoadOptions& options) {
  if (!has_checkpoint_name(out))
    throw CheckpointError(out.u8string() +
                          ": the name says the format; end it in .safetensors, or in .pt for "
                          "torch.save's");
  // What is not in the part that is asked for cannot stand in its way, and save() looks at the
  // rest.
  LoadOptions part = options;
  part.opaque = options.opaque || !key.empty();
  const Document document = load_any(in, part);
  std::vector<std::string> left_out;
  try {
    const Node root = KeySearch(document, key).find();
    if (has_safetensors_name(out))
      save_safetensors(out, document, root, &left_out);
    else
      save(out, document, root);
  } catch (const std::invalid_argument& e) {
    throw CheckpointError(in.u8string() + ": " + e.what());
  }
  return left_out;
}

}  // namespace cooper4j
