// The IDX format of the MNIST database: two zero bytes, the element type, the number of dimensions,
// each dimension as a big-endian 32-bit integer, then the elements in row-major order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

struct IdxFile {
  std::filesystem::path path;
  std::vector<int64_t> shape;
  std::string elements;  ///< unsigned bytes

  /// Reads a file of unsigned bytes, gzip or raw: its first bytes decide, not its name. Throws
  /// std::runtime_error if it is no such file, or holds more or fewer elements than it says.
  static IdxFile read(const std::filesystem::path& path);
};
