#include "checkpoint/zip/byte_source.h"

#include <cstring>

#include "cooper4j/checkpoint.h"

namespace cooper4j {

void ByteSource::read(uint64_t offset, void* out, size_t count) const {
  if (offset > size_ || count > size_ - offset)
    throw CheckpointError("needs " + std::to_string(count) + " bytes at byte " +
                          std::to_string(offset) + ", but the file has " + std::to_string(size_) +
                          "; it may be truncated");
  if (count > 0) fetch(offset, static_cast<char*>(out), count);
}

std::string ByteSource::read_string(uint64_t offset, size_t count) const {
  if (count > size_) read(offset, nullptr, count);  // refuses before memory is taken
  std::string text(count, '\0');
  read(offset, text.data(), count);
  return text;
}

void MemorySource::fetch(uint64_t offset, char* out, size_t count) const {
  std::memcpy(out, bytes_.data() + offset, count);
}

}  // namespace cooper4j
