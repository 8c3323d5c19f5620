// The names of devices: "cpu", "cuda:0", "mps", …
#pragma once

#include <string_view>

namespace cooper4j {

inline bool is_device_name(std::string_view name) {
  size_t i = 0;
  while (i < name.size() && name[i] >= 'a' && name[i] <= 'z') ++i;
  if (i == 0 || i > 16) return false;
  if (i == name.size()) return true;
  const std::string_view index = name.substr(i + 1);
  return name[i] == ':' && !index.empty() && index.size() <= 3 &&
         index.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace cooper4j
