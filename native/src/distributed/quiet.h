// What c10d and Gloo print while they connect.
#pragma once

namespace cooper4j::distributed {

/// While one lives, in any thread, c10d's warnings about connections are left out, unless
/// TORCH_CPP_LOG_LEVEL asks for them.
class QuietLog {
 public:
  QuietLog();
  ~QuietLog();
  QuietLog(const QuietLog&) = delete;
  QuietLog& operator=(const QuietLog&) = delete;
};

/// While one lives, Gloo's lines on std::cout ("[Gloo] Rank 0 is connected to …") are left out, too.
class Quiet {
 public:
  Quiet();
  ~Quiet();
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  QuietLog log_;
};

}  // namespace cooper4j::distributed
