#include "checkpoint/zip/atomic_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <random>
#include <system_error>

#include "cooper4j/checkpoint.h"

namespace cooper4j {
namespace {

constexpr size_t kBuffer = size_t{64} << 10;
constexpr size_t kMaxName = 200;  // leaves room for the suffix in a file system's 255 bytes
constexpr const char* kSuffix = ".cooper4j-tmp";

// The names of one target's temporary files begin alike.
std::string prefix_of(const std::filesystem::path& target) {
  return "." + target.filename().string().substr(0, kMaxName) + ".";
}

bool is_between(const std::string& name, const std::string& prefix, const std::string& suffix) {
  return name.size() > prefix.size() + suffix.size() &&
         name.compare(0, prefix.size(), prefix) == 0 &&
         name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0;
}

std::string random_digits() {
  std::random_device device;
  return std::to_string(device());
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& target) : target_(target) {
  std::error_code error;
  // A link stays a link: what it points to is replaced.
  if (std::filesystem::is_symlink(target, error))
    target_ = std::filesystem::weakly_canonical(target);
  folder_ = target_.has_parent_path() ? target_.parent_path() : std::filesystem::path(".");
  const auto type = std::filesystem::status(target_, error).type();
  if (type != std::filesystem::file_type::not_found && type != std::filesystem::file_type::regular)
    throw CheckpointError(target_.string() + ": is not a regular file");
  remove_stale();
  while (!try_open()) {
  }
}

// The lock says that the saver lives: it goes with the process, however that ends.
bool AtomicFile::try_open() {
  temporary_ = folder_ / (prefix_of(target_) + random_digits() + kSuffix);
  fd_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd_ < 0 && errno == EEXIST) return false;
  if (fd_ < 0) fail("cannot create a file in " + folder_.string());
  struct stat status;
  const bool locked = flock(fd_, LOCK_EX | LOCK_NB) == 0;
  if (locked && fstat(fd_, &status) == 0 && status.st_nlink > 0) return true;
  if (!locked && errno != EWOULDBLOCK) return true;  // a file system without locks
  close(fd_);  // another saver took it for stale before it was locked
  fd_ = -1;
  return false;
}

void AtomicFile::remove_stale() const {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    if (!is_between(entry.path().filename().string(), prefix_of(target_), kSuffix)) continue;
    const int fd = open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) continue;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) unlink(entry.path().c_str());
    close(fd);
  }
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  unlink(temporary_.c_str());
  close(fd_);
}

void AtomicFile::fail(const std::string& what) const {
  throw CheckpointError(target_.string() + ": " + what + ": " + std::strerror(errno) +
                        "; nothing was changed");
}

void AtomicFile::accept(std::string_view bytes) {
  if (buffer_.size() + bytes.size() > kBuffer) {
    write_out(buffer_);
    buffer_.clear();
  }
  if (bytes.size() > kBuffer)
    write_out(bytes);
  else
    buffer_ += bytes;
}

void AtomicFile::write_out(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
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
  if (fsync(fd_) != 0) fail("cannot be synced");
  if (rename(temporary_.c_str(), target_.c_str()) != 0) fail("cannot be renamed into place");
  close(fd_);
  fd_ = -1;
  const int folder = open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  fsync(folder);  // some file systems refuse; the rename stands
  close(folder);
}

}  // namespace cooper4j
