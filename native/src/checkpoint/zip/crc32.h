// The CRC-32 of zip files (polynomial 0xEDB88320, reflected).
#pragma once

#include <cstddef>
#include <cstdint>

namespace cooper4j {

/// Extends `crc` (0 to begin with) by the bytes.
uint32_t crc32(uint32_t crc, const void* data, size_t size);

/// The same from tables only, whatever the processor can do.
uint32_t crc32_portable(uint32_t crc, const void* data, size_t size);

}  // namespace cooper4j
