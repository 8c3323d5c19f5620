#include "cooper4j/memory.h"

#include <ATen/ATen.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <random>
#include <thread>

#include "check.h"

namespace {

using at::Tensor;

Tensor bytes(int64_t n) { return at::empty({n}, at::kByte); }

TEST(blocks_of_every_size_hold_their_bytes_and_lie_aligned) {
  cooper4j::cache_cpu_memory();
  std::vector<Tensor> tensors;
  for (int64_t power = 0; power < 27; ++power) {
    for (int64_t off : {-1, 0, 1}) {
      const int64_t n = (int64_t{1} << power) + off;
      tensors.push_back(bytes(n).fill_(power));
      CHECK(reinterpret_cast<uintptr_t>(tensors.back().data_ptr()) % 64 == 0);
    }
    for (const Tensor& tensor : tensors) {
      if (tensor.numel() > 0 && power < 22) CHECK(tensor.eq(tensor[0]).all().item<bool>());
    }
  }
}

TEST(a_freed_block_serves_the_next_tensor_of_its_size) {
  cooper4j::cache_cpu_memory();
  for (int64_t n : {1, 64, 1000, 5000, 100000, 4000000}) {
    const void* first = bytes(n).data_ptr();
    CHECK(bytes(n).data_ptr() == first);
  }
}

TEST(tensors_freed_in_other_threads_and_at_random_keep_their_values) {
  cooper4j::cache_cpu_memory(1 << 20);
  const auto work = [](uint32_t seed, std::vector<Tensor>* kept) {
    std::mt19937 random(seed);
    for (int i = 0; i < 3000; ++i) {
      const auto n = static_cast<int64_t>(1 + random() % (random() % 20 == 0 ? 300000 : 3000));
      Tensor& slot = (*kept)[random() % kept->size()];
      if (slot.defined() && slot.numel() > 0) {
        CHECK(slot[0].item<int>() == slot[-1].item<int>());
      }
      slot = bytes(n).fill_(static_cast<int64_t>(random() % 256));
    }
  };
  std::vector<Tensor> first(20);
  std::vector<Tensor> second(20);
  std::thread other([&] { work(1, &first); });
  work(2, &second);
  other.join();
  std::thread([&] { work(3, &second); }).join();
  work(4, &first);
}

TEST(nothing_is_kept_with_a_limit_of_zero_and_a_huge_request_is_an_error) {
  cooper4j::cache_cpu_memory(0);
  CHECK(bytes(0).numel() == 0);
  CHECK_THROWS(bytes(int64_t{1} << 60), "allocate");
  cooper4j::cache_cpu_memory();
  CHECK_THROWS(bytes(int64_t{1} << 60), "allocate");
}

/// Threads that have freed a megabyte each in small blocks, and wait.
class IdleThreads {
 public:
  explicit IdleThreads(int count) : end_(end_of_all_.get_future()) {
    for (int i = 0; i < count; ++i) {
      std::promise<void> done;
      threads_.emplace_back([this, &done] {
        work();
        done.set_value();
        end_.wait();
      });
      done.get_future().wait();
    }
  }
  ~IdleThreads() {
    end_of_all_.set_value();
    for (auto& thread : threads_) thread.join();
  }

  static void work() {
    std::vector<Tensor> tensors(128);
    for (Tensor& tensor : tensors) tensor = bytes(8192).fill_(1);
  }

 private:
  std::promise<void> end_of_all_;
  std::shared_future<void> end_;
  std::vector<std::thread> threads_;
};

TEST(the_bound_is_that_of_all_threads_together) {
  constexpr size_t kLimit = 5 << 20;
  cooper4j::cache_cpu_memory(kLimit);
  const IdleThreads idle(20);
  CHECK(cooper4j::cached_cpu_bytes() > 0);
  CHECK(cooper4j::cached_cpu_bytes() <= kLimit);
  {
    const Tensor large = bytes(3 << 20);
  }
  CHECK(cooper4j::cached_cpu_bytes() >= 3 << 20);
  CHECK(cooper4j::cached_cpu_bytes() <= kLimit);
  {
    const Tensor larger = bytes(6 << 20);
  }
  CHECK(cooper4j::cached_cpu_bytes() <= kLimit);
}

TEST(what_idle_threads_keep_is_given_back_at_once) {
  cooper4j::cache_cpu_memory();
  const IdleThreads idle(8);
  CHECK(cooper4j::cached_cpu_bytes() >= 8 << 20);
  cooper4j::empty_cpu_cache();
  CHECK_EQ(size_t{0}, cooper4j::cached_cpu_bytes());
  const IdleThreads others(8);
  cooper4j::cache_cpu_memory(1 << 20);
  CHECK(cooper4j::cached_cpu_bytes() <= 1 << 20);
  IdleThreads::work();
  cooper4j::cache_cpu_memory(0);
  CHECK_EQ(size_t{0}, cooper4j::cached_cpu_bytes());
  IdleThreads::work();
  CHECK_EQ(size_t{0}, cooper4j::cached_cpu_bytes());
  cooper4j::cache_cpu_memory();
}

/// Threads that use the cache all the time, some of which end and begin.
class BusyThreads {
 public:
  BusyThreads() {
    for (int i = 0; i < 3; ++i) {
      threads_.emplace_back([this, i] {
        while (!end_) {
          const Tensor large = bytes(100000);
          if (i == 0) {
            std::thread([] { IdleThreads::work(); }).join();
          } else {
            IdleThreads::work();
          }
        }
      });
    }
  }
  ~BusyThreads() {
    end_ = true;
    for (auto& thread : threads_) thread.join();
  }

 private:
  std::atomic<bool> end_{false};
  std::vector<std::thread> threads_;
};

TEST(emptying_and_bounding_may_happen_while_all_threads_work) {
  const BusyThreads busy;
  for (int i = 0; i < 200; ++i) {
    cooper4j::cache_cpu_memory(size_t{1} << (i % 24));
    if (i % 3 == 0) cooper4j::empty_cpu_cache();
    IdleThreads::work();
  }
  cooper4j::cache_cpu_memory();
}

// AddressSanitizer's allocator, in GCC 12, hangs in such a child itself.
#ifndef __SANITIZE_ADDRESS__
TEST(a_child_of_fork_goes_on_while_the_other_threads_worked) {
  cooper4j::cache_cpu_memory();
  const BusyThreads busy;
  for (int i = 0; i < 50; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(60);  // ends it if it hangs
      IdleThreads::work();
      {
        const Tensor large = bytes(100000);
      }
      std::thread([] { IdleThreads::work(); }).join();
      cooper4j::empty_cpu_cache();
      _exit(cooper4j::cached_cpu_bytes() == 0 ? 0 : 1);
    }
    int status = 0;
    CHECK_EQ(child, waitpid(child, &status, 0));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
}
#endif

}  // namespace

CHECK_MAIN()
