// Where a checkpoint's bytes come from: a file, read at the place asked for, or memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace cooper4j {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  uint64_t size() const { return size_; }
  /// Fills `out`; throws CheckpointError when the range is not there.
  void read(uint64_t offset, void* out, size_t count) const;
  std::string read_string(uint64_t offset, size_t count) const;

 protected:
  explicit ByteSource(uint64_t size = 0) : size_(size) {}
  virtual void fetch(uint64_t offset, char* out, size_t count) const = 0;
  uint64_t size_;
};

class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes) : ByteSource(bytes.size()), bytes_(bytes) {}

 private:
  void fetch(uint64_t offset, char* out, size_t count) const override;
  std::string_view bytes_;
};

class FileSource : public ByteSource {
 public:
  explicit FileSource(const std::filesystem::path& path);
  ~FileSource() override;
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

 private:
  void fetch(uint64_t offset, char* out, size_t count) const override;
#ifdef _WIN32
  void* handle_;
#else
  int fd_;
#endif
};

}  // namespace cooper4j
