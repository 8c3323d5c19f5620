// Any bytes as data.pkl, in a container that is in order: the pickle reader, then what shows and
// saves the tree, each within the budget.

#include <cstddef>
#include <cstdint>
#include <sstream>

#include "checkpoint/inspect/inspect.h"
#include "checkpoint/zip/writer.h"
#include "cost.h"

namespace {

std::string file_with(const uint8_t* pickle, size_t size) {
  static const std::string storage(64, '\1');
  cooper4j::StringSink sink;
  cooper4j::ZipWriter zip(sink, "archive", false);
  zip.add("data.pkl", {reinterpret_cast<const char*>(pickle), size});
  for (int i = 0; i < 4; ++i)
    zip.add("data/" + std::to_string(i), std::string_view(storage).substr(0, 8u << i));
  zip.add("version", "3\n");
  zip.finish();
  return sink.take();
}

/// Refusing is fine, costing too much is not.
template <typename Use>
void within_budget(size_t size, Use use) {
  fuzz::Cost cost(size);
  try {
    cost.add_output(use());
  } catch (const cooper4j::CheckpointError&) {
  } catch (const std::invalid_argument&) {  // from save: an enum or a depth that cannot be written
  }
}

template <typename Tree>
size_t written_by(Tree tree, const cooper4j::Document& document) {
  std::ostringstream out;
  tree(document, nullptr);
  tree(document, &out);
  return static_cast<size_t>(out.tellp());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string file = file_with(data, size);
  cooper4j::Document document;
  within_budget(file.size(), [&] {
    cooper4j::LoadOptions options = fuzz::options();
    options.opaque = size % 2 == 0;
    document = cooper4j::load_bytes(file, options);
    return 0;
  });
  if (document.node_count() == 0) return 0;
  within_budget(file.size(), [&] { return written_by(cooper4j::json_tree, document); });
  within_budget(file.size(), [&] { return written_by(cooper4j::text_tree, document); });
  within_budget(file.size(),
                [&] { return cooper4j::save_bytes(document, document.root()).size(); });
  return 0;
}
