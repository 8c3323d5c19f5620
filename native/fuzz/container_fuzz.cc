// Any bytes as a file: a document, or a CheckpointError.

#include <cstddef>
#include <cstdint>

#include "cooper4j/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const std::string_view file(reinterpret_cast<const char*>(data), size);
    const cooper4j::Document document = cooper4j::load_bytes(file);
    cooper4j::save_bytes(document, document.root());
  } catch (const cooper4j::CheckpointError&) {
  } catch (const std::invalid_argument&) {  // from save: an enum or a depth that cannot be written
  }
  return 0;
}
