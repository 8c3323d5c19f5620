#include "cooper4j/memory.h"

#include <ATen/ATen.h>

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

}  // namespace

CHECK_MAIN()
