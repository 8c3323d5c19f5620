#include "checkpoint/zip/atomic_file.h"

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
  std::string name = target.filename().u8string();
  if (name.size() > kMaxName) {
    size_t end = kMaxName;
    while ((name[end] & 0xC0) == 0x80) --end;  // at the start of a character
    name.resize(end);
  }
  return "." + name + ".";
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
    throw CheckpointError(target_.u8string() + ": is not a regular file");
  remove_stale();
  while (!try_open()) {
  }
}

void AtomicFile::remove_stale() const {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    if (is_between(entry.path().filename().u8string(), prefix_of(target_), kSuffix))
      remove_if_stale(entry.path());
  }
}

std::filesystem::path AtomicFile::temporary_name() const {
  return folder_ / std::filesystem::u8path(prefix_of(target_) + random_digits() + kSuffix);
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

}  // namespace cooper4j
