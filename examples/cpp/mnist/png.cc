#include "png.h"

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <string>

namespace {

void append_32(std::string& bytes, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
}

uint32_t crc32(const std::string& bytes) {
  uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? 0xedb88320U ^ crc >> 1 : crc >> 1;
  }
  return ~crc;
}

void append_chunk(std::string& file, const std::string& type, const std::string& data) {
  append_32(file, static_cast<uint32_t>(data.size()));
  file += type + data;
  append_32(file, crc32(type + data));
}

/// zlib's format with the data stored as they are, in blocks of at most 65535 bytes.
std::string stored(const std::string& data) {
  std::string stream("\x78\x01", 2);
  uint32_t a = 1;
  uint32_t b = 0;
  for (size_t start = 0; start < data.size();) {
    const auto size = static_cast<uint32_t>(std::min<size_t>(65535, data.size() - start));
    const bool last = start + size == data.size();
    for (const uint32_t field :
         {last ? 1U : 0U, size & 0xff, size >> 8, ~size & 0xff, ~size >> 8 & 0xff}) {
      stream += static_cast<char>(field);
    }
    stream.append(data, start, size);
    start += size;
  }
  for (const char byte : data) {
    a = (a + static_cast<unsigned char>(byte)) % 65521;
    b = (b + a) % 65521;
  }
  append_32(stream, b << 16 | a);
  return stream;
}

/// Each row: filter 0, then four pixels a byte.
std::string packed(const Picture& picture) {
  std::string rows;
  for (int y = 0; y < picture.height; ++y) {
    rows += '\0';
    for (int x = 0; x < picture.width; x += 4) {
      unsigned byte = 0;
      for (int i = x; i < x + 4; ++i) {
        const size_t pixel = static_cast<size_t>(y) * picture.width + i;
        byte = byte << 2 | (i < picture.width ? static_cast<unsigned>(picture.pixels[pixel]) : 0);
      }
      rows += static_cast<char>(byte);
    }
  }
  return rows;
}

}  // namespace

void write_png(const std::filesystem::path& path, const Picture& picture) {
  std::string header;
  append_32(header, static_cast<uint32_t>(picture.width));
  append_32(header, static_cast<uint32_t>(picture.height));
  header += std::string("\x02\x03\x00\x00\x00", 5);  // 2 bits of a palette, not interlaced

  std::string file("\x89PNG\r\n\x1a\n", 8);
  append_chunk(file, "IHDR", header);
  append_chunk(file, "PLTE", std::string("\xff\xff\xff\x00\x00\x00\x1f\x77\xb4\xaa\xaa\xaa", 12));
  append_chunk(file, "IDAT", stored(packed(picture)));
  append_chunk(file, "IEND", "");
  std::ofstream out(path, std::ios::binary);
  out.write(file.data(), static_cast<std::streamsize>(file.size()));
  if (!out.flush()) throw std::runtime_error(path.string() + ": cannot be written");
}
