#include "cooper4j/memory.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#include <c10/util/Exception.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>

namespace cooper4j {
namespace {

/// Before every block's data; its size keeps the data aligned as LibTorch aligns them.
struct alignas(64) Header {
  Header* next;
  uint32_t size_class;
};

constexpr uint32_t kFineClasses = 17;                 // of 64 bytes each: 0, 64, …, 1024
constexpr uint32_t kClasses = kFineClasses + 4 * 16;  // then four to every power of two, to 64 MB
constexpr uint32_t kUncached = kClasses;
constexpr size_t kSmallBytes = 32768;
constexpr size_t kSmallBytesOfThread = size_t{4} << 20;

constexpr size_t bytes_of(uint32_t size_class) {
  if (size_class < kFineClasses) return size_t{64} * size_class;
  const uint32_t coarse = size_class - kFineClasses;
  return (size_t{256} << (coarse / 4)) * (coarse % 4 + 5);
}

uint32_t class_of(size_t bytes) {
  if (bytes <= 1024) return static_cast<uint32_t>((bytes + 63) / 64);
  if (bytes > bytes_of(kClasses - 1)) return kUncached;
  // 1024 · 2^power < bytes <= 2048 · 2^power
  const auto power = static_cast<uint32_t>(53 - __builtin_clzll(bytes - 1));
  const auto quarter = static_cast<uint32_t>((bytes - 1) >> (8 + power)) - 4;
  return kFineClasses + 4 * power + quarter;
}

/// Blocks that wait, by class.
class FreeLists {
 public:
  Header* take(uint32_t size_class) {
    Header* block = heads_[size_class];
    if (block != nullptr) {
      heads_[size_class] = block->next;
      bytes_ -= bytes_of(size_class);
    }
    return block;
  }

  void give(Header* block, size_t limit) {
    const size_t bytes = bytes_of(block->size_class);
    // Emptied rather than full for ever of sizes that nobody wants any more.
    if (bytes_ + bytes > limit) clear();
    if (bytes > limit) {
      c10::free_cpu(block);
      return;
    }
    block->next = heads_[block->size_class];
    heads_[block->size_class] = block;
    bytes_ += bytes;
  }

  void clear() {
    for (Header*& head : heads_) {
      while (head != nullptr) {
        Header* block = head;
        head = block->next;
        c10::free_cpu(block);
      }
    }
    bytes_ = 0;
  }

 private:
  std::array<Header*, kClasses> heads_{};
  size_t bytes_ = 0;
};

/// The small blocks of a thread; after the thread's end a pointer to none.
struct ThreadLists {
  FreeLists lists;
  ThreadLists();
  ~ThreadLists();
};
thread_local FreeLists* of_thread = nullptr;
thread_local bool thread_ended = false;

ThreadLists::ThreadLists() { of_thread = &lists; }
ThreadLists::~ThreadLists() {
  lists.clear();
  of_thread = nullptr;
  thread_ended = true;
}

FreeLists* small_blocks() {
  if (of_thread == nullptr && !thread_ended) {
    thread_local ThreadLists lists;
    static_cast<void>(lists);
  }
  return of_thread;
}

std::atomic<size_t> limit{0};
std::mutex large_mutex;
FreeLists& large_blocks() {
  static auto* lists = new FreeLists;  // tensors may be freed after static objects are
  return *lists;
}

Header* take(uint32_t size_class) {
  if (size_class == kUncached) return nullptr;
  if (bytes_of(size_class) <= kSmallBytes) {
    FreeLists* lists = small_blocks();
    return lists != nullptr ? lists->take(size_class) : nullptr;
  }
  std::lock_guard lock(large_mutex);
  return large_blocks().take(size_class);
}

void release(void* data) {
  if (data == nullptr) return;
  Header* block = static_cast<Header*>(data) - 1;
  const size_t most = limit.load(std::memory_order_relaxed);
  const bool waits = block->size_class != kUncached && most > 0;
  if (waits && bytes_of(block->size_class) > kSmallBytes) {
    std::lock_guard lock(large_mutex);
    large_blocks().give(block, most);
  } else if (FreeLists* lists = waits ? small_blocks() : nullptr) {
    lists->give(block, kSmallBytesOfThread);
  } else {
    c10::free_cpu(block);
  }
}

Header* from_system(size_t bytes) {
  try {
    return static_cast<Header*>(c10::alloc_cpu(sizeof(Header) + bytes));
  } catch (const c10::Error&) {
    empty_cpu_cache();
    return static_cast<Header*>(c10::alloc_cpu(sizeof(Header) + bytes));
  }
}

class CachingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    const c10::Device cpu(c10::DeviceType::CPU);
    if (bytes == 0) return {nullptr, nullptr, &release, cpu};
    const uint32_t size_class = class_of(bytes);
    Header* block = take(size_class);
    if (block == nullptr) {
      block = from_system(size_class == kUncached ? bytes : bytes_of(size_class));
      block->size_class = size_class;
    }
    void* data = block + 1;
    return {data, data, &release, cpu};
  }

  c10::DeleterFnPtr raw_deleter() const override { return &release; }

  void copy_data(void* dest, const void* src, size_t count) const override {
    default_copy_data(dest, src, count);
  }
};

}  // namespace

void cache_cpu_memory(size_t bytes) {
  limit = bytes;
  static const bool installed = [] {
    // LibTorch keeps it until the process ends.
    c10::SetCPUAllocator(new CachingAllocator);  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks)
    return true;
  }();
  static_cast<void>(installed);
  if (bytes == 0) empty_cpu_cache();
}

void empty_cpu_cache() {
  if (FreeLists* lists = small_blocks()) lists->clear();
  std::lock_guard lock(large_mutex);
  large_blocks().clear();
}

}  // namespace cooper4j
