// What the ranks of a group let each other know besides their collectives: who failed, and why.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace cooper4j::distributed {

/// A notice board in the group's store. A thread with a connection of its own reads and writes it,
/// since a store whose host hangs never answers; nothing here waits for it longer than said.
class News {
 public:
  struct Item {
    std::string text;      ///< empty: none
    bool failure = false;  ///< else a rank has merely closed the group
  };

  News(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size);
  ~News();
  News(const News&) = delete;
  News& operator=(const News&) = delete;

  /// Which call this rank makes from now on, that the others are told of if it never ends.
  void enter(int64_t call, const std::string& what);

  /// Why the group has ended, as far as this rank knows.
  Item latest() const;

  /// Says it to all; what was said first stays. Waits for at most a second.
  void post(const std::string& text, bool failure);

  /// After an error of the connections: names the ranks that no longer answer, else those that have
  /// not come as far as the others, or says what one of them has said. Waits for some seconds.
  std::string explain(const std::string& error);

  /// Where ranks do not say the same as rank 0 does, of which `mine` is this one's: the first line
  /// that differs, and which ranks do; or nothing. Waits for some seconds.
  std::string difference(const std::string& topic, const std::string& mine);

  /// Keeps this rank's store up until the others have read of a failure, for at most two seconds.
  void linger() const;

 private:
  struct Board;
  std::shared_ptr<Board> board_;
};

}  // namespace cooper4j::distributed
