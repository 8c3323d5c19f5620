// FileSource, but on Windows.
#ifndef _WIN32
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "checkpoint/zip/byte_source.h"
#include "checkpoint/zip/file_kind.h"
#include "cooper4j/checkpoint.h"

namespace cooper4j {

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
  constexpr size_t kAtOnce = size_t{1} << 30;  // macOS refuses more than INT_MAX bytes
  while (count > 0) {
    const ssize_t got = pread(fd_, out, std::min(count, kAtOnce), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw CheckpointError(std::string("cannot be read: ") + std::strerror(errno));
    if (got == 0) throw CheckpointError("became shorter while it was read");
    out += got;
    offset += static_cast<uint64_t>(got);
    count -= static_cast<size_t>(got);
  }
}

}  // namespace cooper4j
#endif
