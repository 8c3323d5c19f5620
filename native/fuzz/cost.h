// The rule of the budget as a crash: what an input costs is measured from outside, by the clock of
// the thread, the allocator and the bytes that come out, and must stay within what its size allows.
//
// The fuzzers read with 1/64 of the default limit, so that the rule's constants (2 s, 256 MiB, 64
// MiB) are 1/64 too and an input shows itself early. Sanitizers make the code slower.
#pragma once

#include <sanitizer/allocator_interface.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <iostream>

#include "cooper4j/checkpoint.h"

namespace fuzz {

inline constexpr uint64_t kLimit = cooper4j::kDefaultLimit / 64;
inline constexpr double kSlowdown = 4;
inline constexpr double kNoise = 0.05;  // s

inline std::atomic<int64_t> live{0}, peak{0};

inline void on_malloc(const volatile void*, size_t size) {
  const int64_t now = live += static_cast<int64_t>(size);
  if (now > peak) peak = now;
}

inline void on_free(const volatile void* memory) {
  if (memory != nullptr)
    live -= static_cast<int64_t>(__sanitizer_get_allocated_size(const_cast<const void*>(memory)));
}

inline cooper4j::LoadOptions options() {
  cooper4j::LoadOptions options;
  options.limit = kLimit;
  return options;
}

/// Measures until it goes, and aborts if that was too much.
class Cost {
 public:
  explicit Cost(size_t bytes) : bytes_(bytes) {
    static const bool hooked = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) != 0;
    (void)hooked;
    peak = live.load();
    before_ = live;
    began_ = seconds();
  }
  Cost(const Cost&) = delete;
  Cost& operator=(const Cost&) = delete;
  ~Cost() {
    const double n = static_cast<double>(bytes_);
    require("seconds of work", seconds() - began_, kSlowdown * (2.0 / 64 + 1e-7 * n) + kNoise);
    require("bytes of memory", static_cast<double>(peak - before_), 4.0 * kLimit + 4 * n);
    require("bytes of output", static_cast<double>(output_), 1.0 * kLimit + 20 * n);
  }
  void add_output(size_t bytes) { output_ += bytes; }

 private:
  static double seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  }
  void require(const char* what, double found, double allowed) const {
    if (found <= allowed) return;
    std::cerr << "a file of " << bytes_ << " bytes cost " << found << " " << what << ", more than "
              << allowed << "\n";
    std::abort();
  }

  size_t bytes_;
  int64_t before_ = 0;
  double began_ = 0;
  uint64_t output_ = 0;
};

}  // namespace fuzz
