#include "cooper4j/memory.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#include <c10/macros/Macros.h>
#include <c10/util/Exception.h>
#if !defined(_WIN32)
#include <pthread.h>
#endif
#if defined(__linux__)
#include <linux/membarrier.h>
#include <malloc.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

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

/// Whether the kernel makes other threads' memory accesses orderly for us (Linux 4.14).
bool has_membarrier = false;

#if defined(__linux__)
bool membarrier(int command) { return syscall(SYS_membarrier, command, 0, 0) == 0; }
void register_membarrier() {
  has_membarrier = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}
void order_other_threads() { membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED); }
#else
void register_membarrier() {}
void order_other_threads() {}
#endif

/// A lock that costs its owner, who takes it at every allocation, two plain stores. Another, who
/// comes next to never, pays for both: it has the kernel put a barrier into every thread.
class OwnersLock {
 public:
  void lock() {
    while (true) {
      inside_.store(true, std::memory_order_relaxed);
      if (has_membarrier) {
        std::atomic_signal_fence(std::memory_order_seq_cst);
      } else {
        std::atomic_thread_fence(std::memory_order_seq_cst);
      }
      if (!wanted_.load(std::memory_order_acquire)) return;
      unlock();
      while (wanted_.load(std::memory_order_relaxed)) std::this_thread::yield();
    }
  }
  void unlock() { inside_.store(false, std::memory_order_release); }

  /// By one other at a time: it wants the locks, calls barrier(), then waits for each.
  void want() { wanted_.store(true, std::memory_order_relaxed); }
  static void barrier() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (has_membarrier) order_other_threads();
  }
  void wait() const {
    while (inside_.load(std::memory_order_acquire)) std::this_thread::yield();
  }
  void leave() { wanted_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> inside_{false};
  std::atomic<bool> wanted_{false};
};

/// What may wait in all lists together, and what they have reserved of it. A list reserves more
/// than it needs and keeps it, so that a step, which takes and gives the same blocks, changes
/// nothing here.
std::atomic<size_t> limit{0};
std::atomic<size_t> reserved_in_all{0};

bool try_reserve(size_t bytes) {
  // Counted first: whoever lowers the limit then sees it, or this sees the lower limit.
  if (reserved_in_all.fetch_add(bytes) + bytes <= limit) return true;
  reserved_in_all -= bytes;
  return false;
}

/// Chains of blocks by class.
using Chains = std::array<Header*, kClasses>;

void free(const Chains& chains) {
  for (Header* head : chains) {
    while (head != nullptr) {
      Header* block = head;
      head = block->next;
      c10::free_cpu(block);
    }
  }
}

/// Blocks that wait.
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

  /// False if the limit leaves no room for the block.
  bool give(Header* block) {
    const size_t bytes = bytes_of(block->size_class);
    if (bytes_ + bytes > reserved_ && !reserve(bytes_ + bytes - reserved_)) return false;
    block->next = heads_[block->size_class];
    heads_[block->size_class] = block;
    bytes_ += bytes;
    return true;
  }

  size_t bytes() const { return bytes_; }

  /// All that wait, for free().
  Chains detach() {
    reserved_in_all -= reserved_;
    reserved_ = bytes_ = 0;
    return std::exchange(heads_, Chains{});
  }

 private:
  static constexpr size_t kReserve = 65536;

  bool reserve(size_t bytes) {
    for (const size_t some : {std::max(bytes, kReserve), bytes}) {
      if (!try_reserve(some)) continue;
      reserved_ += some;
      return true;
    }
    return false;
  }

  Chains heads_{};
  size_t bytes_ = 0;
  size_t reserved_ = 0;  // at least bytes_
};

/// The small blocks of a thread.
struct ThreadLists {
  OwnersLock lock;
  FreeLists lists;

  /// By the thread itself.
  void clear() {
    Chains waiting;
    {
      const std::lock_guard guard(lock);
      waiting = lists.detach();
    }
    free(waiting);
  }
};

/// All blocks that wait: the large ones, and the lists of all threads, so that any thread can empty
/// those of threads that wait for work.
class Cache {
 public:
  std::mutex large_mutex;
  FreeLists large;

  ThreadLists* add() {
    const std::lock_guard guard(mutex_);
    return threads_.emplace_back(std::make_unique<ThreadLists>()).get();
  }

  void remove(ThreadLists* thread) {
    thread->clear();
    const std::lock_guard guard(mutex_);
    threads_.erase(std::find_if(threads_.begin(), threads_.end(),
                                [thread](const auto& own) { return own.get() == thread; }));
  }

  void clear() {
    std::vector<Chains> waiting;
    lock();
    waiting.push_back(large.detach());
    for (const auto& thread : threads_) waiting.push_back(thread->lists.detach());
    unlock();
    for (const Chains& chains : waiting) free(chains);
  }

  /// Stops all threads where they would use the cache. Also around a fork: the child, which has
  /// none of the other threads, then finds nothing held.
  void lock() {
    mutex_.lock();
    large_mutex.lock();
    for (const auto& thread : threads_) thread->lock.want();
    OwnersLock::barrier();
    for (const auto& thread : threads_) thread->lock.wait();
  }
  void unlock() {
    for (const auto& thread : threads_) thread->lock.leave();
    large_mutex.unlock();
    mutex_.unlock();
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<ThreadLists>> threads_;
};

Cache& cache() {
  static auto* instance = new Cache;  // tensors may be freed after static objects are
  return *instance;
}

/// After the thread's end a pointer to none.
struct OfThread {
  OfThread();
  ~OfThread();
};
thread_local ThreadLists* of_thread = nullptr;
thread_local bool thread_ended = false;

OfThread::OfThread() { of_thread = cache().add(); }
OfThread::~OfThread() {
  cache().remove(of_thread);
  of_thread = nullptr;
  thread_ended = true;
}

C10_NOINLINE ThreadLists* first_small_blocks() {
  if (thread_ended) return nullptr;
  thread_local OfThread lists;
  static_cast<void>(lists);
  return of_thread;
}

inline ThreadLists* small_blocks() {
  ThreadLists* thread = of_thread;
  return C10_LIKELY(thread != nullptr) ? thread : first_small_blocks();
}

Header* take(uint32_t size_class) {
  if (size_class == kUncached) return nullptr;
  if (bytes_of(size_class) <= kSmallBytes) {
    ThreadLists* thread = small_blocks();
    if (thread == nullptr) return nullptr;
    const std::lock_guard guard(thread->lock);
    return thread->lists.take(size_class);
  }
  const std::lock_guard guard(cache().large_mutex);
  return cache().large.take(size_class);
}

enum class Given : uint8_t { kYes, kListIsFull, kCacheIsFull };

inline Given give_small(Header* block, ThreadLists& thread) {
  const std::lock_guard guard(thread.lock);
  if (thread.lists.bytes() + bytes_of(block->size_class) > kSmallBytesOfThread) {
    return Given::kListIsFull;
  }
  return thread.lists.give(block) ? Given::kYes : Given::kCacheIsFull;
}

Given give_large(Header* block) {
  const std::lock_guard guard(cache().large_mutex);
  return cache().large.give(block) ? Given::kYes : Given::kCacheIsFull;
}

/// Emptied rather than full for ever of sizes, or of threads, that nobody wants any more. False for
/// a block that is larger than the limit.
bool make_room(Header* block, ThreadLists* thread, Given why) {
  if (bytes_of(block->size_class) > limit) return false;
  if (why == Given::kCacheIsFull) {
    cache().clear();
  } else if (thread != nullptr) {
    thread->clear();
  }
  return true;
}

C10_NOINLINE bool keep_large(Header* block) {
  const Given given = give_large(block);
  return given == Given::kYes ||
         (make_room(block, nullptr, given) && give_large(block) == Given::kYes);
}

C10_NOINLINE bool keep_small(Header* block, ThreadLists& thread, Given given) {
  return make_room(block, &thread, given) && give_small(block, thread) == Given::kYes;
}

/// Whether the block waits in the cache now.
inline bool keep(Header* block) {
  if (block->size_class == kUncached) return false;
  if (bytes_of(block->size_class) > kSmallBytes) return keep_large(block);
  ThreadLists* thread = small_blocks();
  if (thread == nullptr) return false;
  const Given given = give_small(block, *thread);
  return C10_LIKELY(given == Given::kYes) || keep_small(block, *thread, given);
}

void release(void* data) {
  if (data == nullptr) return;
  Header* block = static_cast<Header*>(data) - 1;
  if (!keep(block)) c10::free_cpu(block);
}

Header* from_system(size_t bytes) {
  try {
    return static_cast<Header*>(c10::alloc_cpu(sizeof(Header) + bytes));
  } catch (const c10::Error&) {
    cache().clear();
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
    register_membarrier();
#if !defined(_WIN32)
    pthread_atfork([] { cache().lock(); }, [] { cache().unlock(); },
                   [] {
                     register_membarrier();
                     cache().unlock();
                   });
#endif
    // LibTorch keeps it until the process ends.
    c10::SetCPUAllocator(new CachingAllocator);  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks)
    return true;
  }();
  static_cast<void>(installed);
  if (reserved_in_all > bytes) empty_cpu_cache();
}

size_t cached_cpu_bytes() { return reserved_in_all; }

void empty_cpu_cache() {
  cache().clear();
#ifdef __GLIBC__
  malloc_trim(0);  // malloc keeps for its own next requests what it was given back
#endif
}

}  // namespace cooper4j
