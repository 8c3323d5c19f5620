// Any bytes as the header of a safetensors file: its tensors, or a CheckpointError, within the
// budget.

#include <cstddef>
#include <cstdint>

#include "checkpoint/safetensors/header.h"
#include "cost.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::Cost cost(size);
  cooper4j::Budget budget(size, fuzz::kLimit);
  try {
    cooper4j::parse_safetensors_header({reinterpret_cast<const char*>(data), size}, budget);
  } catch (const cooper4j::CheckpointError&) {
  }
  return 0;
}
