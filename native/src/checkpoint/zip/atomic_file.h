// A file that is whole or not there: written beside its target, synced, then renamed over it.
#pragma once

#include <filesystem>
#include <string>

#include "checkpoint/zip/byte_sink.h"

namespace cooper4j {

class AtomicFile : public ByteSink {
 public:
  /// Removes what savers of the same target left when they died. Throws CheckpointError.
  explicit AtomicFile(const std::filesystem::path& target);
  /// Removes the temporary file unless commit() succeeded.
  ~AtomicFile() override;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void commit();

 private:
  void accept(std::string_view bytes) override;
  void write_out(std::string_view bytes);
  void remove_stale() const;
  std::filesystem::path temporary_name() const;
  static void remove_if_stale(const std::filesystem::path& file);
  bool try_open();
  [[noreturn]] void fail(const std::string& what) const;

  std::filesystem::path target_;
  std::filesystem::path folder_;
  std::filesystem::path temporary_;
  std::string buffer_;
#ifdef _WIN32
  void* handle_ = nullptr;  // null: committed
#else
  int fd_ = -1;
#endif
};

}  // namespace cooper4j
