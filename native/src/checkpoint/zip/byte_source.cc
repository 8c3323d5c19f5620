#include "checkpoint/zip/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "checkpoint/zip/file_kind.h"
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

// Without O_NONBLOCK it would wait for who writes into a pipe.
FileSource::FileSource(const std::filesystem::path& path)
    : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  if (fd_ < 0) throw CheckpointError(std::string("cannot be opened: ") + std::strerror(errno));
  struct stat status;
  if (fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(fd_);
    throw CheckpointError(no_file_kind(path));
  }
  size_ = static_cast<uint64_t>(status.st_size);
}

FileSource::~FileSource() { close(fd_); }

void FileSource::fetch(uint64_t offset, char* out, size_t count) const {
  while (count > 0) {
    const ssize_t got = pread(fd_, out, count, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw CheckpointError(std::string("cannot be read: ") + std::strerror(errno));
    if (got == 0) throw CheckpointError("became shorter while it was read");
    out += got;
    offset += static_cast<uint64_t>(got);
    count -= static_cast<size_t>(got);
  }
}

}  // namespace cooper4j
