// AtomicFile's system calls, but on Windows. The lock says that the saver lives: it goes with the
// process, however that ends.
#ifndef _WIN32
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "checkpoint/zip/atomic_file.h"
#include "cooper4j/checkpoint.h"

namespace cooper4j {
namespace {

constexpr size_t kAtOnce = size_t{1} << 30;  // macOS refuses more than INT_MAX bytes

bool sync(int fd) {
#ifdef F_FULLFSYNC
  // macOS's fsync leaves the bytes in the drive's cache; network file systems have fsync only.
  if (fcntl(fd, F_FULLFSYNC) == 0) return true;
#endif
  return fsync(fd) == 0;
}

}  // namespace

bool AtomicFile::try_open() {
  temporary_ = temporary_name();
  fd_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd_ < 0 && errno == EEXIST) return false;
  if (fd_ < 0) fail("cannot create a file in " + folder_.u8string());
  struct stat status;
  const bool locked = flock(fd_, LOCK_EX | LOCK_NB) == 0;
  if (locked && fstat(fd_, &status) == 0 && status.st_nlink > 0) return true;
  if (!locked && errno != EWOULDBLOCK) return true;  // a file system without locks
  close(fd_);  // another saver took it for stale before it was locked
  fd_ = -1;
  return false;
}

void AtomicFile::remove_if_stale(const std::filesystem::path& file) {
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return;
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) unlink(file.c_str());
  close(fd);
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  unlink(temporary_.c_str());
  close(fd_);
}

void AtomicFile::fail(const std::string& what) const {
  throw CheckpointError(target_.u8string() + ": " + what + ": " + std::strerror(errno) +
                        "; nothing was changed");
}

void AtomicFile::write_out(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), std::min(bytes.size(), kAtOnce));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("cannot be written");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

void AtomicFile::commit() {
  write_out(buffer_);
  struct stat status;
  if (stat(target_.c_str(), &status) == 0 && fchmod(fd_, status.st_mode & 07777) != 0)
    fail("cannot keep its mode");
  if (!sync(fd_)) fail("cannot be synced");
  if (rename(temporary_.c_str(), target_.c_str()) != 0) fail("cannot be renamed into place");
  close(fd_);
  fd_ = -1;
  const int folder = open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  sync(folder);  // some file systems refuse; the rename stands
  close(folder);
}

}  // namespace cooper4j
#endif
