// Writes the zip that torch.save writes: stored records whose data starts at multiples of 64 bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/zip/byte_sink.h"

namespace cooper4j {

class ZipWriter {
 public:
  ZipWriter(ByteSink& sink, std::string root, bool checksum)
      : sink_(sink), root_(std::move(root)), checksum_(checksum) {}

  void add(std::string_view name, std::string_view data);
  /// Writes the serialization id and the directory.
  void finish();

 private:
  struct Entry {
    std::string name;
    uint64_t header;
    uint64_t size;
    uint32_t crc;
    uint16_t flags;
  };
  std::string serialization_id() const;
  void write_local_header(const Entry& entry);
  void write_descriptor(const Entry& entry);
  void write_directory();

  ByteSink& sink_;
  std::string root_;
  bool checksum_;
  std::vector<Entry> entries_;
};

}  // namespace cooper4j
