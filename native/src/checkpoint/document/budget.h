// What one file may cost whoever reads it: counted, never timed, and relative to its size.
//
// A few bytes can name one large value again and again, stretch a tensor over a terabyte, or have
// keys that all compare. So whatever a file can ask for more often than it has bytes is counted
// before it is done, by every consumer, and what would go too far is refused with its reason:
//
//   work     steps of 10 ns at most   limit + 8 n     n: the file's bytes
//   memory   bytes                    3 limit + 4 n
//   output   bytes                    limit + 20 n
//
// The limit is LoadOptions::limit. What a document of a program's own holds costs nothing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace cooper4j {

class Budget {
 public:
  /// Bounds nothing.
  Budget() = default;
  Budget(uint64_t file_bytes, uint64_t limit);

  /// Each throws CheckpointError that says what goes too far; `what` reads as its subject:
  /// "comparing keys".
  void work(uint64_t steps, const char* what) {
    if (steps > work_.left()) refuse(what, "steps of work", work_);
    work_.spent += steps;
  }
  void hold(uint64_t bytes, const char* what) {
    if (bytes > memory_.left()) refuse(what, "bytes of memory", memory_);
    memory_.spent += bytes;
  }
  void release(uint64_t bytes) { memory_.spent -= bytes < memory_.spent ? bytes : memory_.spent; }
  void write(uint64_t bytes, const char* what) {
    if (bytes > output_.left()) refuse(what, "bytes of output", output_);
    output_.spent += bytes;
  }

  uint64_t work_left() const { return work_.left(); }
  uint64_t worked() const { return work_.spent; }
  uint64_t held() const { return memory_.spent; }
  uint64_t written() const { return output_.spent; }

  /// The same bounds for the next one who reads the document, with nothing spent.
  Budget renewed() const { return bounded_ ? Budget(file_bytes_, limit_) : Budget(); }

 private:
  struct Account {
    uint64_t bound = UINT64_MAX;
    uint64_t spent = 0;
    uint64_t left() const { return bound - spent; }
  };
  [[noreturn]] void refuse(const char* what, const char* unit, const Account& account) const;

  bool bounded_ = false;
  uint64_t file_bytes_ = 0;
  uint64_t limit_ = 0;
  Account work_, memory_, output_;
};

constexpr uint64_t kAllocated = 24;  // what an allocator adds

/// Makes room for another `count` items; the old and the new memory are there at once.
template <typename T>
void grow(std::vector<T>& items, Budget& budget, const char* what, size_t count = 1) {
  const size_t old = items.capacity();
  if (items.size() + count <= old) return;
  const size_t wanted = std::max(items.size() + count, 2 * old);
  budget.hold(kAllocated + wanted * sizeof(T), what);
  items.reserve(wanted);
  budget.release(old > 0 ? kAllocated + old * sizeof(T) : 0);
}

/// Gives back what grow() took.
template <typename T>
void give_back(std::vector<T>& items, Budget& budget) {
  budget.release(items.capacity() > 0 ? kAllocated + items.capacity() * sizeof(T) : 0);
  items = std::vector<T>();
}

/// The steps of writing an integer of so many bytes in decimal.
inline uint64_t decimal_work(uint64_t bytes) { return bytes * bytes / 128 + 1; }

}  // namespace cooper4j
