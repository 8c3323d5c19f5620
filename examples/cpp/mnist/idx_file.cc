#include "idx_file.h"

#include <cstdio>
#include <fstream>
#include <memory>
#include <stdexcept>

namespace {

constexpr int64_t kMaxElements = INT32_MAX;

[[noreturn]] void malformed(const std::filesystem::path& path, const std::string& expected,
                            const std::string& found) {
  throw std::runtime_error(path.string() + ": expected " + expected + ", found " + found);
}

bool is_gzip(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error(path.string() + ": cannot be read");
  return in.get() == 0x1f && in.get() == 0x8b;
}

std::string quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

/// A file's bytes. Every Linux has gzip, and not every one zlib's headers.
class Input {
 public:
  explicit Input(const std::filesystem::path& path) : path_(path), gzip_(is_gzip(path)) {
    const std::string command = "gzip -dc < " + quoted(path.string()) + " 2>/dev/null";
    file_ = gzip_ ? popen(command.c_str(), "r") : std::fopen(path.c_str(), "rb");
    if (file_ == nullptr) throw std::runtime_error(path.string() + ": cannot be read");
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
  ~Input() {
    if (file_ != nullptr) close();
  }

  /// Up to `size` bytes. Memory grows as they arrive: a header cannot claim what the file lacks.
  std::string read(size_t size) {
    std::string bytes;
    char buffer[1 << 16];
    while (bytes.size() < size) {
      const size_t wanted = std::min(sizeof buffer, size - bytes.size());
      const size_t count = std::fread(buffer, 1, wanted, file_);
      if (count == 0) break;
      bytes.append(buffer, count);
    }
    return bytes;
  }

  /// Throws if gzip found its data damaged; its CRC covers all of them.
  void finish() {
    if (!read(1).empty()) malformed(path_, "no more bytes than its dimensions say", "more");
    if (close() != 0) throw std::runtime_error(path_.string() + ": damaged gzip data");
  }

 private:
  int close() {
    std::FILE* file = file_;
    file_ = nullptr;
    return gzip_ ? pclose(file) : std::fclose(file);
  }

  std::filesystem::path path_;
  bool gzip_;
  std::FILE* file_ = nullptr;
};

}  // namespace

IdxFile IdxFile::read(const std::filesystem::path& path) {
  Input in(path);
  const std::string magic = in.read(4);
  if (magic.size() != 4 || magic[0] != 0 || magic[1] != 0 || magic[2] != 8 || magic[3] < 1 ||
      magic[3] > 8) {
    malformed(path,
              "an IDX file of unsigned bytes, whose first bytes are 00 00 08 and 1 to 8 dimensions",
              magic.empty() ? "no data" : "others");
  }
  const size_t dimensions = static_cast<unsigned char>(magic[3]);
  const std::string header = in.read(4 * dimensions);
  if (header.size() < 4 * dimensions) malformed(path, "4 bytes a dimension", "a truncated file");
  IdxFile file{path, {}, {}};
  int64_t count = 1;
  for (size_t i = 0; i < header.size(); i += 4) {
    int64_t size = 0;
    for (size_t j = i; j < i + 4; ++j) size = size << 8 | static_cast<unsigned char>(header[j]);
    count *= size;
    if (count > kMaxElements) malformed(path, "fewer than 2^31 elements", "more");
    file.shape.push_back(size);
  }
  file.elements = in.read(static_cast<size_t>(count));
  if (static_cast<int64_t>(file.elements.size()) < count) {
    malformed(path, std::to_string(count) + " elements",
              std::to_string(file.elements.size()) + " (truncated or damaged)");
  }
  in.finish();
  return file;
}
