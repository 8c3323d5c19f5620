// Any bytes as data.pkl, in a container that is in order: the pickle reader, then the JSON tree.

#include <cstddef>
#include <cstdint>

#include "checkpoint/inspect/inspect.h"
#include "checkpoint/zip/writer.h"
#include "cooper4j/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string storage(64, '\1');
  cooper4j::StringSink sink;
  cooper4j::ZipWriter zip(sink, "archive", false);
  zip.add("data.pkl", {reinterpret_cast<const char*>(data), size});
  for (int i = 0; i < 4; ++i)
    zip.add("data/" + std::to_string(i), std::string_view(storage).substr(0, 8u << i));
  zip.add("version", "3\n");
  zip.finish();
  cooper4j::LoadOptions options;
  options.max_nodes = 1 << 16;  // time is for depth of search here
  try {
    cooper4j::json_tree(cooper4j::load_bytes(sink.take(), options));
  } catch (const cooper4j::CheckpointError&) {
  }
  return 0;
}
