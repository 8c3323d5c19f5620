#include "checkpoint/zip/writer.h"

#include <algorithm>
#include <cstdio>

#include "checkpoint/zip/crc32.h"
#include "checkpoint/zip/format.h"
#include "checkpoint/zip/little_endian.h"

namespace cooper4j {

using namespace zip;

namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kChunk = size_t{1} << 20;  // stays in the cache between its CRC and the write
constexpr uint16_t kMadeBy = 0x031e;
constexpr uint16_t kNeedsZip64 = 45;

bool wide(uint64_t value) { return value >= kInZip64; }

uint32_t narrow(uint64_t value) { return wide(value) ? kInZip64 : static_cast<uint32_t>(value); }

uint64_t fnv1a(uint64_t hash, std::string_view bytes) {
  for (unsigned char c : bytes) hash = (hash ^ c) * 0x100000001b3ULL;
  return hash;
}

}  // namespace

void ZipWriter::add(std::string_view name, std::string_view data) {
  Entry entry{root_ + "/" + std::string(name), sink_.position(), data.size(), 0, kUtf8Names};
  if (!data.empty()) entry.flags |= kHasDescriptor;
  write_local_header(entry);
  while (!data.empty()) {
    const std::string_view chunk = data.substr(0, kChunk);
    if (checksum_) entry.crc = crc32(entry.crc, chunk.data(), chunk.size());
    sink_.write(chunk);
    data.remove_prefix(chunk.size());
  }
  if (entry.flags & kHasDescriptor) write_descriptor(entry);
  entries_.push_back(std::move(entry));
}

void ZipWriter::write_local_header(const Entry& entry) {
  std::string extra;
  if (wide(entry.size)) {
    put_le<uint16_t>(extra, kZip64Extra);
    put_le<uint16_t>(extra, 16);
    put_le<uint64_t>(extra, entry.size);
    put_le<uint64_t>(extra, entry.size);
  }
  const uint64_t unpadded = entry.header + kLocalSize + entry.name.size() + extra.size() + 4;
  const size_t padding = kAlignment - unpadded % kAlignment;
  put_le<uint16_t>(extra, kPaddingExtra);
  put_le<uint16_t>(extra, static_cast<uint16_t>(padding));
  extra.append(padding, 'Z');

  std::string header;
  put_le<uint32_t>(header, kLocalSignature);
  put_le<uint16_t>(header, wide(entry.size) ? kNeedsZip64 : 0);
  put_le<uint16_t>(header, entry.flags);
  header.append(18, '\0');  // method, time, date, CRC and sizes: the descriptor has them
  put_le<uint16_t>(header, static_cast<uint16_t>(entry.name.size()));
  put_le<uint16_t>(header, static_cast<uint16_t>(extra.size()));
  sink_.write(header + entry.name + extra);
}

void ZipWriter::write_descriptor(const Entry& entry) {
  std::string descriptor;
  put_le<uint32_t>(descriptor, kDescriptorSignature);
  put_le<uint32_t>(descriptor, entry.crc);
  for (int i = 0; i < 2; ++i) {
    if (wide(entry.size))
      put_le<uint64_t>(descriptor, entry.size);
    else
      put_le<uint32_t>(descriptor, static_cast<uint32_t>(entry.size));
  }
  sink_.write(descriptor);
}

// 40 digits, as torch's: 20 from the records' names, 20 from their contents.
std::string ZipWriter::serialization_id() const {
  uint64_t names = 0xcbf29ce484222325ULL;
  uint64_t contents = names;
  for (const Entry& entry : entries_) {
    names = fnv1a(names, std::string_view(entry.name).substr(root_.size()));
    contents = fnv1a(contents, std::to_string(entry.crc));
  }
  char digits[64];
  std::snprintf(digits, sizeof digits, "%020llu%020llu", static_cast<unsigned long long>(names),
                static_cast<unsigned long long>(contents));
  return digits;
}

void ZipWriter::finish() {
  add(".data/serialization_id", serialization_id());
  write_directory();
}

void ZipWriter::write_directory() {
  const uint64_t start = sink_.position();
  std::string out;
  for (const Entry& entry : entries_) {
    std::string extra;
    if (wide(entry.size)) {
      put_le<uint64_t>(extra, entry.size);
      put_le<uint64_t>(extra, entry.size);
    }
    if (wide(entry.header)) put_le<uint64_t>(extra, entry.header);
    put_le<uint32_t>(out, kCentralSignature);
    put_le<uint16_t>(out, 0);
    put_le<uint16_t>(out, extra.empty() ? 0 : kNeedsZip64);
    put_le<uint16_t>(out, entry.flags);
    out.append(6, '\0');  // method, time, date
    put_le<uint32_t>(out, entry.crc);
    put_le<uint32_t>(out, narrow(entry.size));
    put_le<uint32_t>(out, narrow(entry.size));
    put_le<uint16_t>(out, static_cast<uint16_t>(entry.name.size()));
    put_le<uint16_t>(out, static_cast<uint16_t>(extra.empty() ? 0 : 4 + extra.size()));
    out.append(10, '\0');  // comment, disk, attributes
    put_le<uint32_t>(out, narrow(entry.header));
    out += entry.name;
    if (extra.empty()) continue;
    put_le<uint16_t>(out, kZip64Extra);
    put_le<uint16_t>(out, static_cast<uint16_t>(extra.size()));
    out += extra;
  }
  const uint64_t size = out.size();
  put_le<uint32_t>(out, kEnd64Signature);
  put_le<uint64_t>(out, kEnd64Size - 12);
  put_le<uint16_t>(out, kMadeBy);
  put_le<uint16_t>(out, kNeedsZip64);
  out.append(8, '\0');  // disks
  put_le<uint64_t>(out, entries_.size());
  put_le<uint64_t>(out, entries_.size());
  put_le<uint64_t>(out, size);
  put_le<uint64_t>(out, start);
  put_le<uint32_t>(out, kLocator64Signature);
  put_le<uint32_t>(out, 0);
  put_le<uint64_t>(out, start + size);
  put_le<uint32_t>(out, 1);
  const auto count = static_cast<uint16_t>(std::min<size_t>(entries_.size(), kInZip64Short));
  put_le<uint32_t>(out, kEndSignature);
  put_le<uint32_t>(out, 0);
  put_le<uint16_t>(out, count);
  put_le<uint16_t>(out, count);
  put_le<uint32_t>(out, narrow(size));
  put_le<uint32_t>(out, narrow(start));
  put_le<uint16_t>(out, 0);
  sink_.write(out);
}

}  // namespace cooper4j
