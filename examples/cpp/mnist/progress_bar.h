// Shows how far an epoch is: on a terminal one line that is redrawn and stays as a summary,
// elsewhere the summary alone.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

class ProgressBar {
 public:
  ProgressBar(std::string title, int64_t total) : title_(std::move(title)), total_(total) {}

  /// Counts a step. `status` gives a text; it is called only when that will be seen.
  template <typename Status>
  void step(Status status) {
    constexpr int kWidth = 20;
    ++done_;
    const auto now = Clock::now();
    const double rate = done_ / std::chrono::duration<double>(now - start_).count();
    if (done_ == total_) {
      std::printf("%s%s  %ld batches  %s  %.0f/s\n", live_ ? "\r\033[K" : "", title_.c_str(),
                  static_cast<long>(total_), status().c_str(), rate);
    } else if (live_ && now - drawn_ >= std::chrono::milliseconds(100)) {
      drawn_ = now;
      const auto filled = static_cast<size_t>(kWidth * done_ / total_);
      const std::string bar =
          std::string(filled, '=') + ">" + std::string(kWidth - 1 - filled, ' ');
      std::printf("\r\033[K%s  [%s] %ld/%ld  %s  %.0f/s", title_.c_str(), bar.c_str(),
                  static_cast<long>(done_), static_cast<long>(total_), status().c_str(), rate);
    }
    std::fflush(stdout);
  }

 private:
  using Clock = std::chrono::steady_clock;

  std::string title_;
  int64_t total_;
  int64_t done_ = 0;
  bool live_ = isatty(STDOUT_FILENO) == 1;
  Clock::time_point start_ = Clock::now();
  Clock::time_point drawn_ = start_;
};
