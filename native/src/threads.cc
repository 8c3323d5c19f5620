#include "cooper4j/threads.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

namespace cooper4j {
namespace {

/// The OpenBLAS that LibTorch has loaded, if it has one.
struct OpenBlas {
  using Set = void (*)(int);
  using Get = int (*)();
  Set set = nullptr;
  Get get = nullptr;

  OpenBlas() {
    void* library = dlopen("libopenblas.so.0", RTLD_LAZY | RTLD_NOLOAD);
    if (library == nullptr) return;
    set = reinterpret_cast<Set>(dlsym(library, "openblas_set_num_threads"));
    get = reinterpret_cast<Get>(dlsym(library, "openblas_get_num_threads"));
    if (set == nullptr || get == nullptr) set = nullptr;
    dlclose(library);  // LibTorch keeps it
  }
};

const OpenBlas& open_blas() {
  static const OpenBlas instance;
  return instance;
}

std::atomic<int> available{1};
std::atomic<int> fixed{0};

void apply(int threads) {
  const OpenBlas& blas = open_blas();
  if (blas.set == nullptr) {
    if (at::get_num_threads() != threads) at::set_num_threads(threads);
    return;
  }
  if (at::get_num_threads() > 1) threads = 1;
  if (blas.get() != threads) blas.set(threads);
}

}  // namespace

void init_threads(int cores) {
  const OpenBlas& blas = open_blas();
  const int offered =
      blas.set != nullptr ? blas.get() : static_cast<int>(std::thread::hardware_concurrency());
  available = std::max(1, cores > 0 ? std::min(cores, offered) : offered);
  static const int untouched = at::intraop_default_num_threads();
  if (std::getenv("OMP_NUM_THREADS") == nullptr && at::get_num_threads() == untouched) {
    at::set_num_threads(1);
  }
  apply(1);
}

void set_num_threads(int threads) {
  if (threads < 0) {
    throw std::invalid_argument("the number of threads is " + std::to_string(threads) +
                                "; give at least 1, or 0 to choose by the size of the model");
  }
  fixed = threads;
  if (threads > 0) apply(threads);
}

int num_threads() { return fixed; }

void use_threads_for(int64_t parameters) {
  const int threads = fixed;
  apply(threads > 0 ? threads : parameters < kParametersForThreads ? 1 : available.load());
}

}  // namespace cooper4j
