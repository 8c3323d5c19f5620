// A save that dies leaves the old file or the new one, and no litter after the next save.

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <random>

#include "check.h"
#include "cooper4j/checkpoint.h"

namespace fs = std::filesystem;
using cooper4j::Document;
using cooper4j::Node;
using cooper4j::Storage;
using cooper4j::TensorInfo;

namespace {

/// Counts down at every system call of a save; the one that it reaches 0 at fails.
int calls_until_failure = -1;

bool fails_now() { return calls_until_failure >= 0 && calls_until_failure-- == 0; }

}  // namespace

// These stand before libc's, for this program alone.
extern "C" ssize_t write(int fd, const void* data, size_t count) {
  if (fails_now()) {
    errno = ENOSPC;
    return -1;
  }
  return syscall(SYS_write, fd, data, count);
}

extern "C" int fsync(int fd) {
  if (fails_now()) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(syscall(SYS_fsync, fd));
}

extern "C" int rename(const char* from, const char* to) noexcept {
  if (fails_now()) {
    errno = EACCES;
    return -1;
  }
  return static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

namespace {

constexpr int64_t kElements = 300'000;

void save(const fs::path& path, int64_t step) {
  Document document;
  Storage storage;
  storage.nbytes = kElements * sizeof(float);
  storage.dtype = cooper4j::Dtype::kFloat32;
  const std::shared_ptr<float[]> data(new float[kElements]);
  for (int64_t i = 0; i < kElements; ++i) data[i] = static_cast<float>(step);
  storage.data = std::shared_ptr<void>(data, data.get());
  TensorInfo info;
  info.storage = document.add_storage(storage);
  info.sizes = {kElements};
  info.strides = {1};
  const Node root = document.dict();
  document.put(root, "step", document.integer(step));
  document.put(root, "weights", document.tensor(info));
  cooper4j::save(path, document, root);
}

/// The step of the file, whose tensor must be that step's.
int64_t load(const fs::path& path) {
  const Document document = cooper4j::load(path);
  const int64_t step = document.as_int(document.at(document.root(), "step"));
  const auto& info = document.as_tensor(document.at(document.root(), "weights"));
  const float* data = static_cast<const float*>(document.storage(info.storage).data.get());
  CHECK(data[0] == static_cast<float>(step) && data[kElements - 1] == static_cast<float>(step));
  return step;
}

size_t files_in(const fs::path& folder) {
  return static_cast<size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

class TempFolder {
 public:
  TempFolder() : path_(fs::temp_directory_path() / ("cooper4j-crash-" + std::to_string(getpid()))) {
    fs::create_directories(path_);
  }
  ~TempFolder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

TEST(a_killed_process_leaves_the_old_file_or_the_new_one) {
  const TempFolder folder;
  const fs::path file = folder.path() / "checkpoint.pth";
  std::mt19937 random(0);
  save(file, 0);
  int64_t step = 0;
  int litter = 0;
  for (int i = 0; i < 200; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      for (int64_t next = step + 1;; ++next) save(file, next);
    }
    usleep(random() % 12'000);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const int64_t found = load(file);
    CHECK(found >= step);
    litter += files_in(folder.path()) > 1;
    step = found;
  }
  CHECK(step > 0);
  CHECK(litter > 0);  // else nothing was interrupted
  save(file, step + 1);
  CHECK_EQ(size_t{1}, files_in(folder.path()));
  CHECK_EQ(step + 1, load(file));
}

TEST(every_system_call_of_a_save_may_fail) {
  const TempFolder folder;
  const fs::path file = folder.path() / "checkpoint.pth";
  save(file, 1);
  int failed = 0;
  for (int call = 0; failed == call; ++call) {
    calls_until_failure = call;
    try {
      save(file, call + 2);
    } catch (const cooper4j::CheckpointError& e) {
      ++failed;
      CHECK(std::string(e.what()).find("nothing was changed") != std::string::npos);
      calls_until_failure = -1;
      CHECK_EQ(int64_t{1}, load(file));
      CHECK_EQ(size_t{1}, files_in(folder.path()));
    }
  }
  calls_until_failure = -1;
  CHECK(failed >= 4);  // some writes, the sync, the rename; not the sync of the folder
  CHECK(load(file) > 1);
}

}  // namespace

CHECK_MAIN()
