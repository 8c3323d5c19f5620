#include "checkpoint/zip/reader.h"

#include <algorithm>
#include <memory>

#include "checkpoint/document/utf8.h"
#include "checkpoint/zip/crc32.h"
#include "checkpoint/zip/format.h"
#include "checkpoint/zip/little_endian.h"
#include "cooper4j/checkpoint.h"

namespace cooper4j {

using namespace zip;

namespace {

constexpr size_t kRecordMemory = 256;       // a record, its place by name, and what reads it
constexpr size_t kChunk = size_t{1} << 20;  // stays in the cache between reading and its CRC

[[noreturn]] void fail(const std::string& why) {
  throw CheckpointError(why + "; the file is damaged or not written by torch.save");
}

[[noreturn]] void fail_record(const ZipRecord& record, const std::string& why) {
  fail("record '" + record.name + "' " + why);
}

std::string fold_case(std::string_view name) {
  std::string folded(name);
  for (char& c : folded)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return folded;
}

// Sizes and offset from the zip64 extra field replace those that did not fit.
struct Extra {
  bool has_zip64 = false;
  std::string_view zip64;
};

Extra parse_extra(std::string_view extra, const ZipRecord& record) {
  Extra result;
  while (!extra.empty()) {
    if (extra.size() < 4) fail_record(record, "has a broken extra field");
    const uint16_t id = get_le<uint16_t>(extra.data());
    const uint16_t size = get_le<uint16_t>(extra.data() + 2);
    if (size > extra.size() - 4) fail_record(record, "has a broken extra field");
    if (id == kUnicodePathExtra) fail_record(record, "has a second name in an extra field");
    if (id == kZip64Extra) {
      if (result.has_zip64) fail_record(record, "has two zip64 fields");
      result.has_zip64 = true;
      result.zip64 = extra.substr(4, size);
    }
    extra.remove_prefix(4 + size);
  }
  return result;
}

uint64_t take_zip64(uint32_t value, Extra& extra, const ZipRecord& record) {
  if (value != kInZip64) return value;
  if (extra.zip64.size() < 8) fail_record(record, "lacks a zip64 size");
  const uint64_t wide = get_le<uint64_t>(extra.zip64.data());
  extra.zip64.remove_prefix(8);
  return wide;
}

}  // namespace

ZipReader::ZipReader(const ByteSource& source, Budget& budget) : source_(source), budget_(budget) {
  const Directory directory = find_directory();
  read_directory(directory);
  check_packing(directory.offset);
}

ZipReader::Directory ZipReader::find_directory() const {
  if (source_.size() < kEndSize) fail("has only " + std::to_string(source_.size()) + " bytes");
  const uint64_t end_at = source_.size() - kEndSize;
  const std::string end = source_.read_string(end_at, kEndSize);
  if (get_le<uint32_t>(end.data()) != kEndSignature) {
    const std::string start = source_.read_string(0, 4);
    if (get_le<uint32_t>(start.data()) != kLocalSignature)
      throw CheckpointError(
          "is no checkpoint: neither a zip file nor the pickles of before torch 1.6 (older tar "
          "files have to be saved again by a newer torch)");
    fail("does not end with a zip end record");
  }
  if (get_le<uint16_t>(&end[20]) != 0) fail("has a zip comment");
  Directory directory{get_le<uint32_t>(&end[16]), get_le<uint32_t>(&end[12]),
                      get_le<uint16_t>(&end[10])};
  uint16_t entries_here = get_le<uint16_t>(&end[8]);
  if (get_le<uint32_t>(&end[4]) != 0 || entries_here != directory.count)
    fail("spans several disks");
  uint64_t directory_end = end_at;
  const bool needs_zip64 = directory.offset == kInZip64 || directory.size == kInZip64 ||
                           directory.count == kInZip64Short;
  bool has_zip64 = false;
  if (end_at >= kLocator64Size + kEnd64Size) {
    const std::string locator = source_.read_string(end_at - kLocator64Size, kLocator64Size);
    has_zip64 = get_le<uint32_t>(locator.data()) == kLocator64Signature;
    if (has_zip64) {
      directory_end = end_at - kLocator64Size - kEnd64Size;
      const std::string end64 = source_.read_string(directory_end, kEnd64Size);
      if (get_le<uint64_t>(&locator[8]) != directory_end || get_le<uint32_t>(&locator[4]) != 0 ||
          get_le<uint32_t>(&locator[16]) != 1 ||
          get_le<uint32_t>(end64.data()) != kEnd64Signature ||
          get_le<uint64_t>(&end64[4]) != kEnd64Size - 12 || get_le<uint64_t>(&end64[16]) != 0 ||
          get_le<uint64_t>(&end64[24]) != get_le<uint64_t>(&end64[32]))
        fail("has a broken zip64 end record");
      const Directory wide{get_le<uint64_t>(&end64[48]), get_le<uint64_t>(&end64[40]),
                           get_le<uint64_t>(&end64[32])};
      if ((directory.offset != kInZip64 && directory.offset != wide.offset) ||
          (directory.size != kInZip64 && directory.size != wide.size) ||
          (directory.count != kInZip64Short && directory.count != wide.count))
        fail("has two end records that differ");
      directory = wide;
    }
  }
  if (needs_zip64 && !has_zip64) fail("lacks a zip64 end record");
  if (directory.offset > directory_end || directory.size != directory_end - directory.offset)
    fail("has a central directory of " + std::to_string(directory.size) + " bytes at byte " +
         std::to_string(directory.offset) + ", which does not end at its end record");
  if (directory.count > directory.size / kCentralSize)
    fail("declares " + std::to_string(directory.count) + " records in a directory of " +
         std::to_string(directory.size) + " bytes");
  return directory;
}

void ZipReader::read_directory(const Directory& directory) {
  const std::string bytes = source_.read_string(directory.offset, directory.size);
  std::string_view rest = bytes;
  for (uint64_t i = 0; i < directory.count; ++i) rest.remove_prefix(read_entry(rest));
  if (!rest.empty()) fail("has " + std::to_string(rest.size()) + " bytes after its directory");
  if (records_.empty()) fail("has no records");
}

size_t ZipReader::read_entry(std::string_view entry) {
  if (entry.size() < kCentralSize || get_le<uint32_t>(entry.data()) != kCentralSignature)
    fail("has a broken directory entry after record " + std::to_string(records_.size()));
  const char* at = entry.data();
  ZipRecord record;
  record.flags = get_le<uint16_t>(at + 8);
  const uint16_t method = get_le<uint16_t>(at + 10);
  record.crc = get_le<uint32_t>(at + 16);
  const uint32_t packed = get_le<uint32_t>(at + 20);
  const uint32_t size = get_le<uint32_t>(at + 24);
  const size_t name_size = get_le<uint16_t>(at + 28);
  const size_t extra_size = get_le<uint16_t>(at + 30);
  if (get_le<uint16_t>(at + 32) != 0) fail("has a directory entry with a comment");
  if (get_le<uint16_t>(at + 34) != 0) fail("spans several disks");
  if (entry.size() - kCentralSize < name_size + extra_size) fail("has a cut directory entry");
  budget_.hold(kRecordMemory + 3 * name_size, "listing its records");
  record.name = std::string(entry.substr(kCentralSize, name_size));
  // Python compresses TorchScript's code and nothing else.
  if (method != 0 && record.name.find("/code/") != std::string::npos)
    throw CheckpointError(kIsTorchScript);
  if (method != 0)
    throw CheckpointError("record '" + record.name + "' is compressed (method " +
                          std::to_string(method) +
                          "); save it again with torch.save, which stores");
  if (record.flags & ~(kHasDescriptor | kUtf8Names))
    fail_record(record, "has the zip flags " + std::to_string(record.flags) + " (encrypted?)");
  Extra extra = parse_extra(entry.substr(kCentralSize + name_size, extra_size), record);
  record.size = take_zip64(size, extra, record);
  if (take_zip64(packed, extra, record) != record.size)
    fail_record(record, "has two sizes although it is stored");
  record.header = take_zip64(get_le<uint32_t>(at + 42), extra, record);
  const std::string full_name = record.name;
  add_record(full_name, std::move(record));
  return kCentralSize + name_size + extra_size;
}

void ZipReader::add_record(const std::string& full_name, ZipRecord record) {
  const size_t slash = full_name.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == full_name.size())
    fail_record(record, "is not inside a root folder");
  if (find_invalid_utf8(full_name, Surrogates::kRefuse) != std::string_view::npos ||
      full_name.find_first_of(std::string_view("\0\\\n\r", 4)) != std::string::npos)
    fail("has a record name with characters that no record of torch.save has");
  if (records_.empty()) root_ = full_name.substr(0, slash);
  if (full_name.compare(0, slash, root_) != 0)
    fail_record(record, "is outside the root folder '" + root_ + "'");
  record.name = full_name.substr(slash + 1);
  if (!by_folded_name_.emplace(fold_case(record.name), records_.size()).second)
    fail_record(record, "is there twice");
  records_.push_back(std::move(record));
}

// Nothing behind `end` is looked at, or many headers could each claim all that follows.
void ZipReader::read_local_header(ZipRecord& record, uint64_t end) const {
  if (record.header > source_.size() || source_.size() - record.header < kLocalSize)
    fail_record(record, "starts at byte " + std::to_string(record.header) + ", past the end");
  const std::string header = source_.read_string(record.header, kLocalSize);
  const size_t name_size = get_le<uint16_t>(&header[26]);
  const size_t extra_size = get_le<uint16_t>(&header[28]);
  const uint64_t names_at = record.header + kLocalSize;
  if (get_le<uint32_t>(header.data()) != kLocalSignature ||
      source_.size() - names_at < name_size + extra_size)
    fail_record(record, "has no local header at byte " + std::to_string(record.header));
  if (end < names_at + name_size + extra_size)
    fail_record(record, "overlaps what follows at byte " + std::to_string(end));
  const std::string names = source_.read_string(names_at, name_size + extra_size);
  if (names.compare(0, name_size, root_ + "/" + record.name) != 0)
    fail_record(record, "has another name in its local header");
  if (get_le<uint16_t>(&header[6]) != record.flags || get_le<uint16_t>(&header[8]) != 0)
    fail_record(record, "has other flags in its local header");
  Extra extra = parse_extra(std::string_view(names).substr(name_size), record);
  const uint32_t crc = get_le<uint32_t>(&header[14]);
  const uint64_t size = take_zip64(get_le<uint32_t>(&header[22]), extra, record);
  const uint64_t packed = take_zip64(get_le<uint32_t>(&header[18]), extra, record);
  const bool later = record.flags & kHasDescriptor && crc == 0 && size == 0 && packed == 0;
  if (!later && (crc != record.crc || size != record.size || packed != record.size))
    fail_record(record, "has another size or checksum in its local header");
  record.data = names_at + name_size + extra_size;
  if (record.size > source_.size() - record.data)
    fail_record(record,
                "declares " + std::to_string(record.size) + " bytes, more than the file has");
}

void ZipReader::check_packing(uint64_t directory_offset) {
  std::vector<ZipRecord*> order;
  for (ZipRecord& record : records_) order.push_back(&record);
  std::sort(order.begin(), order.end(),
            [](const ZipRecord* a, const ZipRecord* b) { return a->header < b->header; });
  if (order.front()->header != 0)
    fail("has " + std::to_string(order.front()->header) + " bytes before its first record");
  const auto next = [&](size_t i) {
    return i + 1 < order.size() ? order[i + 1]->header : directory_offset;
  };
  for (size_t i = 0; i < order.size(); ++i) {
    read_local_header(*order[i], next(i));
    checksummed_ = checksummed_ || order[i]->crc != 0;
  }
  for (size_t i = 0; i < order.size(); ++i) {
    const uint64_t end = order[i]->data + order[i]->size;
    if (next(i) < end)
      fail_record(*order[i], i + 1 < order.size() ? "overlaps '" + order[i + 1]->name + "'"
                                                  : "overlaps the directory");
    check_descriptor(*order[i], next(i) - end);
  }
}

// What stands between a record and the next thing can only be its data descriptor.
void ZipReader::check_descriptor(const ZipRecord& record, uint64_t size) const {
  if (size == 0 && !(record.flags & kHasDescriptor)) return;
  const bool sized = size == 12 || size == 16 || size == 20 || size == 24;
  if (!sized || !(record.flags & kHasDescriptor))
    fail_record(record, "is followed by " + std::to_string(size) + " bytes that belong to nothing");
  const std::string bytes = source_.read_string(record.data + record.size, size);
  std::string_view rest = bytes;
  if (size == 16 || size == 24) {
    if (get_le<uint32_t>(rest.data()) != kDescriptorSignature)
      fail_record(record, "has a broken data descriptor");
    rest.remove_prefix(4);
  }
  const bool wide = rest.size() == 20;
  const uint64_t packed = wide ? get_le<uint64_t>(&rest[4]) : get_le<uint32_t>(&rest[4]);
  const uint64_t plain = wide ? get_le<uint64_t>(&rest[12]) : get_le<uint32_t>(&rest[8]);
  if (get_le<uint32_t>(rest.data()) != record.crc || packed != record.size || plain != record.size)
    fail_record(record, "has a data descriptor that differs from the directory");
}

const ZipRecord* ZipReader::find(std::string_view name) const {
  const auto found = by_folded_name_.find(fold_case(name));
  if (found == by_folded_name_.end() || records_[found->second].name != name) return nullptr;
  return &records_[found->second];
}

void ZipReader::check_crc(const ZipRecord& record, uint32_t crc) const {
  if (checksummed_ && crc != record.crc) fail_record(record, "does not match its checksum");
}

void ZipReader::read(const ZipRecord& record, void* out) const {
  uint32_t crc = 0;
  char* to = static_cast<char*>(out);
  for (uint64_t done = 0; done < record.size;) {
    const size_t count = std::min<uint64_t>(kChunk, record.size - done);
    source_.read(record.data + done, to + done, count);
    if (checksummed_) crc = crc32(crc, to + done, count);
    done += count;
  }
  check_crc(record, crc);
}

std::string ZipReader::read_string(const ZipRecord& record, uint64_t limit) const {
  if (record.size > limit)
    throw CheckpointError("record '" + record.name + "' has " + std::to_string(record.size) +
                          " bytes, more than the limit of " + std::to_string(limit));
  std::string text(record.size, '\0');
  read(record, text.data());
  return text;
}

void ZipReader::verify(const ZipRecord& record) const {
  if (!checksummed_) return;
  const std::unique_ptr<char[]> chunk(new char[std::min<uint64_t>(kChunk, record.size + 1)]);
  uint32_t crc = 0;
  for (uint64_t done = 0; done < record.size;) {
    const size_t count = std::min<uint64_t>(kChunk, record.size - done);
    source_.read(record.data + done, chunk.get(), count);
    crc = crc32(crc, chunk.get(), count);
    done += count;
  }
  check_crc(record, crc);
}

}  // namespace cooper4j
