#include <algorithm>

#include "checkpoint/load.h"
#include "cooper4j/safetensors.h"

namespace cooper4j {
namespace {

Node find_key(const Document& doc, const std::string& path) {
  Node node = doc.root();
  for (size_t start = 0; !path.empty() && start <= path.size();) {
    const size_t dot = std::min(path.find('.', start), path.size());
    node = doc.at(node, path.substr(start, dot - start));
    start = dot + 1;
  }
  return node;
}

}  // namespace

void convert(const std::filesystem::path& in, const std::filesystem::path& out,
             const std::string& key) {
  const Document document = load_any(in);
  try {
    const Node root = find_key(document, key);
    if (is_safetensors(in))
      save(out, document, root);
    else
      save_safetensors(out, document, root);
  } catch (const std::invalid_argument& e) {
    throw CheckpointError(in.string() + ": " + e.what());
  }
}

}  // namespace cooper4j
