// A strict reader of the zips that torch.save writes.
//
// One reading of the file is allowed: stored records only, packed one after the other from byte 0
// without gaps or overlaps, local and central headers that agree, one root folder, no name twice
// (not even in another case), nothing behind the end record. Whatever two zip readers could
// understand differently is refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "checkpoint/document/budget.h"
#include "checkpoint/document/hash.h"
#include "checkpoint/zip/byte_source.h"

namespace cooper4j {

inline constexpr const char* kIsTorchScript =
    "is a TorchScript program, not a checkpoint; load it with torch.jit.load";

struct ZipRecord {
  std::string name;  // without the root folder
  uint64_t header = 0;
  uint64_t data = 0;
  uint64_t size = 0;
  uint32_t crc = 0;
  uint16_t flags = 0;
};

class ZipReader {
 public:
  ZipReader(const ByteSource& source, Budget& budget);

  const std::vector<ZipRecord>& records() const { return records_; }
  const std::string& root() const { return root_; }
  /// Null when there is none.
  const ZipRecord* find(std::string_view name) const;
  /// Reads a record into `out` of record.size bytes and checks its CRC.
  void read(const ZipRecord& record, void* out) const;
  std::string read_string(const ZipRecord& record, uint64_t limit) const;
  /// Checks the CRC of a record that nobody reads.
  void verify(const ZipRecord& record) const;

 private:
  struct Directory {
    uint64_t offset;
    uint64_t size;
    uint64_t count;
  };
  Directory find_directory() const;
  void read_directory(const Directory& directory);
  size_t read_entry(std::string_view entry);
  void add_record(const std::string& full_name, ZipRecord record);
  void read_local_header(ZipRecord& record, uint64_t end) const;
  void check_packing(uint64_t directory_offset);
  void check_descriptor(const ZipRecord& record, uint64_t size) const;
  void check_crc(const ZipRecord& record, uint32_t crc) const;

  const ByteSource& source_;
  Budget& budget_;
  std::string root_;
  std::vector<ZipRecord> records_;
  std::unordered_map<std::string, size_t, SeededHash> by_folded_name_;
  bool checksummed_ = false;  // set_crc32_options(False) leaves every CRC 0
};

}  // namespace cooper4j
