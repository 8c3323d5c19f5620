// Any bytes as a file: a document, or a CheckpointError, within the budget.

#include <cstddef>
#include <cstdint>

#include "cost.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Cost cost(size);
  try {
    const std::string_view file(reinterpret_cast<const char*>(data), size);
    const cooper4j::Document document = cooper4j::load_bytes(file, fuzz::options());
    cost.add_output(cooper4j::save_bytes(document, document.root()).size());
  } catch (const cooper4j::CheckpointError&) {
  } catch (const std::invalid_argument&) {  // from save: an enum or a depth that cannot be written
  }
  return 0;
}
