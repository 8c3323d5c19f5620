// What c10d and Gloo print while they connect.
#pragma once

namespace cooper4j::distributed {

/// While one lives, in any thread, c10d's warnings about connections are left out, and if wanted
/// its errors too, where exceptions say the same; unless TORCH_CPP_LOG_LEVEL asks for them.
class QuietLog {
 public:
  enum class Of { kWarnings, kErrors };
  explicit QuietLog(Of what);
  ~QuietLog();
  QuietLog(const QuietLog&) = delete;
  QuietLog& operator=(const QuietLog&) = delete;

 private:
  Of what_;
};

/// While one lives, Gloo's lines on std::cout ("[Gloo] Rank 0 is connected to …") are left out,
/// too.
class Quiet {
 public:
  Quiet();
  ~Quiet();
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  QuietLog log_{QuietLog::Of::kErrors};
};

}  // namespace cooper4j::distributed
