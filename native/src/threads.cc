#include "cooper4j/threads.h"

#include <ATen/Parallel.h>
#if !defined(_WIN32)
#include <pthread.h>
#include <unistd.h>
#endif
#if defined(__APPLE__)
#include <mach-o/dyld.h>
#endif

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <string>
#include <unordered_set>

#include "loaded.h"
#include "log.h"

namespace cooper4j {
namespace {

using Clock = std::chrono::steady_clock;

bool in_environment(const char* name) { return std::getenv(name) != nullptr; }

/// OpenBLAS, if LibTorch has one with a pool of its own.
struct OpenBlas {
  void (*set)(int) = find_loaded<void(int)>(kOpenBlas, "openblas_set_num_threads");
  int (*get)() = find_loaded<int()>(kOpenBlas, "openblas_get_num_threads");

  OpenBlas() {
    constexpr int kByOpenMp = 2;
    auto* const parallel = find_loaded<int()>(kOpenBlas, "openblas_get_parallel");
    if (get == nullptr || parallel == nullptr || parallel() == kByOpenMp) set = nullptr;
  }

  bool has_pool() const { return set != nullptr; }
};

const OpenBlas& open_blas() {
  static const OpenBlas instance;
  return instance;
}

/// Sets OpenMP's number for the calling thread only, where at::set_num_threads sets also the one
/// with which other threads start.
void set_openmp_here(int threads) {
  static auto* const set = find_loaded<void(int)>(kOpenMp, "omp_set_num_threads");
  set != nullptr ? set(threads) : at::set_num_threads(threads);
}

/// The threads that train now: those whose last step is not long ago.
class Trainers {
 public:
  struct Trainer {
    std::atomic<Clock::rep> until{0};
    Clock::time_point last;
    Clock::time_point next_count;
    int count = 1;

    Trainer() { all().add(this); }
    ~Trainer() { all().remove(this); }
  };

  /// How many there are, with the calling thread, which makes a step now.
  static int count() {
    thread_local Trainer self;
    const auto now = Clock::now();
    // Long enough for what a loop does between two steps.
    const Clock::duration between = self.last == Clock::time_point() ? kPause : now - self.last;
    const Clock::duration pause = std::clamp<Clock::duration>(4 * between, kPause, kLongPause);
    self.last = now;
    self.until.store((now + pause).time_since_epoch().count(), std::memory_order_relaxed);
    if (now >= self.next_count) {
      self.count = all().training(now);
      self.next_count = now + kCountEvery;
    }
    return self.count;
  }

 private:
  static constexpr std::chrono::milliseconds kPause{100};
  static constexpr std::chrono::minutes kLongPause{1};
  static constexpr std::chrono::milliseconds kCountEvery{5};

  static Trainers& all() {
    static auto* const instance = new Trainers;  // outlives every thread
    return *instance;
  }

  void add(Trainer* trainer) {
    const std::lock_guard<std::mutex> lock(mutex_);
    trainers_.insert(trainer);
  }

  void remove(Trainer* trainer) {
    const std::lock_guard<std::mutex> lock(mutex_);
    trainers_.erase(trainer);
  }

  int training(Clock::time_point now) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return static_cast<int>(
        std::count_if(trainers_.begin(), trainers_.end(), [&](const Trainer* trainer) {
          return trainer->until.load(std::memory_order_relaxed) >= now.time_since_epoch().count();
        }));
  }

  std::mutex mutex_;
  std::unordered_set<const Trainer*> trainers_;
};

/// What was found at the start. The numbers of the environment are the user's: they stay.
struct Machine {
  std::atomic<int> cores{0};  ///< 0: not known yet
  bool sleep = false;
  int openmp = 0;  ///< 0: chosen here
  int blas = 0;    ///< 0: chosen here
};

Machine machine;
std::atomic<int> fixed{0};
std::atomic<int> changes{0};
std::atomic<bool> forked{false};

struct Numbers {
  int openmp;
  int blas;
};

/// What a step has to share out.
struct Step {
  bool large;   ///< products that pay for OpenBLAS's threads
  bool splits;  ///< kernels that pay for OpenMP's
};

/// The numbers for a thread that is one of so many that train.
Numbers choose(Step step, int trainers) {
  // Pools that spin fight for the cores: OpenBLAS gets them.
  const bool one_pool = !open_blas().has_pool();
  const bool both = machine.sleep || one_pool;
  Numbers chosen;
  if (fixed > 0) {
    chosen = {both ? fixed.load() : 1, fixed};
  } else {
    chosen = {both && step.splits ? std::max(1, machine.cores / trainers) : 1,
              step.large && trainers == 1 ? machine.cores.load() : 1};
    if (machine.openmp > 0) chosen.openmp = machine.openmp;
    if (!both && chosen.openmp > 1) chosen.blas = 1;
    if (machine.blas > 0) chosen.blas = machine.blas;
  }
  if (forked) chosen.openmp = 1;
  return chosen;
}

constexpr Step kSmallModel{/*large=*/false, /*splits=*/true};

std::string summary() {
  const Numbers small = choose(kSmallModel, 1);
  std::string text = "threads: " + std::to_string(small.openmp) + " in OpenMP's pool (of " +
                     std::to_string(machine.cores) + " cores; its idle threads " +
                     (machine.sleep ? "sleep" : "spin") + ")";
  if (!open_blas().has_pool()) return text + ", which serves the BLAS, too";
  return text + ", " + std::to_string(small.blas) + " in OpenBLAS's, " +
         std::to_string(choose({true, true}, 1).blas) + " in models of " +
         std::to_string(kParametersForThreads) + " parameters and more";
}

/// A bit for each number with which threads have started: another one is their user's.
std::atomic<uint64_t> started_with{0};

uint64_t bit(int threads) { return uint64_t{1} << std::min(threads, 63); }

void set_everywhere(int threads) {
  started_with |= bit(threads);
  at::set_num_threads(threads);
  ++changes;
}

void set_blas(int threads) {
  const OpenBlas& blas = open_blas();
  if (blas.has_pool() && blas.get() != threads) blas.set(threads);
}

/// OpenMP's number in this thread as it was set here; another one is the user's.
thread_local int ours = 0;
/// That for between the steps, if it is another one.
thread_local int between_steps = 0;

void apply(Numbers numbers) {
  const int now = at::get_num_threads();
  thread_local int seen = changes;
  thread_local bool first = true;
  if (first && (started_with & bit(now)) != 0) ours = now;
  first = false;
  const int latest = changes;
  if (seen != latest || now == ours) {
    if (now != numbers.openmp) set_openmp_here(numbers.openmp);
    ours = numbers.openmp;
    seen = latest;
  } else if (!machine.sleep && now > 1 && machine.blas == 0) {
    numbers.blas = 1;  // the user gave OpenMP the cores
  }
  set_blas(numbers.blas);
}

/// libgomp waits for ever for the threads of a parent.
[[maybe_unused]] void keep_to_one_thread() {
  forked = true;
  set_everywhere(1);
}

}  // namespace

bool idle_threads_sleep() {
  constexpr int kNearlyNothing = 1000;  // spins: some µs
  if (const char* spins = std::getenv("GOMP_SPINCOUNT")) {
    char* end = nullptr;
    return std::strtod(spins, &end) <= kNearlyNothing && *end == '\0' && end != spins;
  }
  const char* policy = std::getenv("OMP_WAIT_POLICY");
  const char* milliseconds = std::getenv("KMP_BLOCKTIME");
  std::string lower = policy != nullptr ? policy : "";
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower == "passive" || (milliseconds != nullptr && std::string(milliseconds) == "0");
}

#if defined(_WIN32)

/// Windows has no exec: the caller would go on beside the new process.
void restart_with_sleeping_threads(char** /*argv*/) {}

#else

namespace {

std::string executable() {
#if defined(__APPLE__)
  uint32_t size = 0;
  _NSGetExecutablePath(nullptr, &size);
  std::string path(size, '\0');
  return _NSGetExecutablePath(path.data(), &size) == 0 ? path.c_str() : "";
#else
  return "/proc/self/exe";
#endif
}

}  // namespace

void restart_with_sleeping_threads(char** argv) {
  for (const char* name : {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OMP_NUM_THREADS"})
    if (in_environment(name)) return;
  if (!open_blas().has_pool() || available_cores() == 1) return;
  setenv("OMP_WAIT_POLICY", "passive", 0);
  execv(executable().c_str(), argv);
  unsetenv("OMP_WAIT_POLICY");  // not restarted: its threads spin
}

#endif

void init_threads(int cores, bool sleep) {
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  const OpenBlas& blas = open_blas();
  static const int untouched = at::intraop_default_num_threads();
  static const int offered = blas.has_pool() ? blas.get() : 0;
#if !defined(_WIN32)
  static const bool once = (pthread_atfork(nullptr, nullptr, keep_to_one_thread), true);
  (void)once;
#endif

  machine.sleep = sleep;
  const bool all = in_environment("OMP_NUM_THREADS");
  const bool first = started_with == 0;
  if (first && (all || at::get_num_threads() != untouched)) machine.openmp = at::get_num_threads();
  machine.blas = in_environment("OPENBLAS_NUM_THREADS") || (all && sleep) ? offered : 0;
  machine.cores = cores > 0 ? std::min(cores, available_cores()) : available_cores();

  set_everywhere(choose(kSmallModel, 1).openmp);
  apply(choose(kSmallModel, 1));
  if (is_logging()) log_once(summary());
}

void set_num_threads(int threads) {
  if (threads < 0) {
    throw std::invalid_argument("the number of threads is " + std::to_string(threads) +
                                "; give at least 1, or 0 to let training steps choose");
  }
  if (machine.cores == 0) init_threads();
  fixed = threads;
  set_everywhere(choose(kSmallModel, 1).openmp);
  apply(choose(kSmallModel, 1));
}

int num_threads() { return fixed; }

void use_threads_for(int64_t parameters, bool splits) {
  if (machine.cores == 0) init_threads();
  const bool large = parameters >= kParametersForThreads;
  const int trainers = Trainers::count();
  const Numbers chosen = choose({large, splits}, trainers);
  apply(chosen);
  if (splits || ours != chosen.openmp) return;
  const int outside = choose({large, true}, trainers).openmp;
  if (ours != outside) between_steps = outside;
}

void end_step() {
  if (between_steps == 0) return;
  if (at::get_num_threads() == ours) {
    set_openmp_here(between_steps);
    ours = between_steps;
  }
  between_steps = 0;
}

}  // namespace cooper4j
