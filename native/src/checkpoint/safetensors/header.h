// The JSON header of a safetensors file, and nothing more of JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/document/budget.h"

namespace cooper4j {

struct SafeTensor {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;
  uint64_t begin = 0;  // bytes behind the header
  uint64_t end = 0;
};

struct SafeTensorsHeader {
  std::vector<SafeTensor> tensors;
  std::vector<std::pair<std::string, std::string>> metadata;
};

/// Throws CheckpointError naming the byte.
SafeTensorsHeader parse_safetensors_header(std::string_view json, Budget& budget);

}  // namespace cooper4j
