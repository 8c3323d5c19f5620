#include "cooper4j/threads.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "../check.h"
#include "quota.h"

namespace {

constexpr int64_t kSmall = 1;
constexpr int64_t kLarge = int64_t{1} << 30;

/// OpenBLAS's number of threads; 0 where LibTorch has none with a pool of its own.
int blas_threads() {
  void* const library = dlopen("libopenblas.so.0", RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) return 0;
  const auto number = [&](const char* name) {
    return reinterpret_cast<int (*)()>(dlsym(library, name))();
  };
  return number("openblas_get_parallel") == 1 ? number("openblas_get_num_threads") : 0;
}

void check_blas(int expected) {
  if (blas_threads() != 0) CHECK_EQ(expected, blas_threads());
}

/// The environment of who runs the tests decides otherwise.
bool chosen_here() {
  return std::getenv("OMP_NUM_THREADS") == nullptr &&
         std::getenv("OPENBLAS_NUM_THREADS") == nullptr;
}

template <typename Body>
void in_another_thread(Body body) {
  std::thread(body).join();
}

TEST(pools_that_sleep_both_have_the_cores) {
  if (!chosen_here()) return;
  const int cores = cooper4j::available_cores();
  cooper4j::init_threads(0, /*sleep=*/true);
  CHECK_EQ(cores, at::get_num_threads());

  cooper4j::use_threads_for(kLarge);
  CHECK_EQ(cores, at::get_num_threads());
  check_blas(cores);
}

TEST(small_models_keep_matrix_products_to_one_thread) {
  if (!chosen_here()) return;
  cooper4j::init_threads(0, /*sleep=*/true);
  cooper4j::use_threads_for(kSmall);
  CHECK_EQ(cooper4j::available_cores(), at::get_num_threads());
  check_blas(1);
}

TEST(what_is_not_worth_waking_threads_for_keeps_to_one) {
  if (!chosen_here()) return;
  cooper4j::init_threads(0, /*sleep=*/true);
  cooper4j::use_threads_for(kSmall, /*splits=*/false);
  CHECK_EQ(1, at::get_num_threads());
  cooper4j::use_threads_for(kSmall, /*splits=*/true);
  CHECK_EQ(cooper4j::available_cores(), at::get_num_threads());

  at::set_num_threads(5);
  cooper4j::use_threads_for(kSmall, /*splits=*/false);
  CHECK_EQ(5, at::get_num_threads());
  cooper4j::set_num_threads(3);
  cooper4j::use_threads_for(kSmall, /*splits=*/false);
  CHECK_EQ(3, at::get_num_threads());
  cooper4j::set_num_threads(0);
}

TEST(where_openmp_spins_openblas_has_the_cores) {
  if (!chosen_here() || blas_threads() == 0) return;
  cooper4j::init_threads(0, /*sleep=*/false);
  cooper4j::use_threads_for(kLarge);
  CHECK_EQ(1, at::get_num_threads());
  check_blas(cooper4j::available_cores());
}

TEST(cores_bound_both) {
  if (!chosen_here()) return;
  cooper4j::init_threads(1, /*sleep=*/true);
  cooper4j::use_threads_for(kLarge);
  CHECK_EQ(1, at::get_num_threads());
  check_blas(1);
}

/// Until it holds: who trains at a time is a matter of time.
template <typename Condition>
bool soon(Condition condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

TEST(threads_that_train_at_a_time_share_the_cores) {
  if (!chosen_here()) return;
  cooper4j::init_threads(0, /*sleep=*/true);
  const int cores = cooper4j::available_cores();
  CHECK(soon([&] {
    bool shared = false;
    cooper4j::use_threads_for(kLarge);
    in_another_thread([&] {
      cooper4j::use_threads_for(kLarge);
      shared = at::get_num_threads() == std::max(1, cores / 2) && blas_threads() <= 1;
    });
    return shared;
  }));
  CHECK(soon([&] {
    cooper4j::use_threads_for(kLarge);
    return at::get_num_threads() == cores && (blas_threads() == 0 || blas_threads() == cores);
  }));
}

TEST(a_number_once_set_stays_in_every_thread) {
  cooper4j::init_threads(0, /*sleep=*/true);
  in_another_thread([] {
    at::get_num_threads();
    in_another_thread([] { cooper4j::set_num_threads(3); });
    cooper4j::use_threads_for(kSmall);
    CHECK_EQ(3, at::get_num_threads());
    check_blas(3);
  });
  CHECK_EQ(3, cooper4j::num_threads());

  CHECK_THROWS(cooper4j::set_num_threads(-1), "the number of threads is -1; give at least 1");
  CHECK_EQ(3, cooper4j::num_threads());

  cooper4j::set_num_threads(0);
  CHECK_EQ(0, cooper4j::num_threads());
}

TEST(what_the_user_gave_openmp_stays) {
  cooper4j::init_threads(0, /*sleep=*/true);
  at::set_num_threads(5);
  cooper4j::use_threads_for(kLarge);
  CHECK_EQ(5, at::get_num_threads());
  in_another_thread([] {
    cooper4j::use_threads_for(kLarge);
    CHECK_EQ(5, at::get_num_threads());
  });
  cooper4j::set_num_threads(0);
}

TEST(a_forked_child_does_not_wait_for_its_parents_threads) {
  cooper4j::init_threads(0, /*sleep=*/true);
  cooper4j::set_num_threads(2);
  const at::Tensor many = at::ones({1 << 20});
  const auto sum_is_right = [&] { return many.sum().item<float>() == 1 << 20; };
  CHECK(sum_is_right());
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);  // ends the child that waits
    cooper4j::use_threads_for(kSmall);
    _exit(sum_is_right() ? 0 : 1);
  }
  int status = -1;
  CHECK_EQ(child, waitpid(child, &status, 0));
  CHECK_EQ(0, status);
  cooper4j::set_num_threads(0);
}

TEST(the_environment_says_whether_idle_threads_sleep) {
  const auto sleeps = [](const char* name, const char* value) {
    for (const char* other : {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"})
      unsetenv(other);
    if (name != nullptr) setenv(name, value, 1);
    return cooper4j::idle_threads_sleep();
  };
  CHECK(sleeps("OMP_WAIT_POLICY", "passive") && sleeps("OMP_WAIT_POLICY", "PASSIVE"));
  CHECK(!sleeps("OMP_WAIT_POLICY", "active"));
  CHECK(sleeps("GOMP_SPINCOUNT", "0") && sleeps("GOMP_SPINCOUNT", "1000"));
  CHECK(!sleeps("GOMP_SPINCOUNT", "300000") && !sleeps("GOMP_SPINCOUNT", "infinite"));
  CHECK(sleeps("KMP_BLOCKTIME", "0") && !sleeps("KMP_BLOCKTIME", "200"));
  CHECK(!sleeps(nullptr, nullptr));
}

TEST(a_program_is_restarted_once) {
  if (std::getenv("COOPER4J_RESTARTED") != nullptr) {
    CHECK(cooper4j::idle_threads_sleep());
    return;
  }
  if (!chosen_here() || blas_threads() == 0 || cooper4j::available_cores() == 1) return;
  const pid_t child = fork();
  if (child == 0) {
    for (const char* name : {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"}) unsetenv(name);
    setenv("COOPER4J_RESTARTED", "1", 1);
    std::string program = "threads_test";
    std::string test = "a_program_is_restarted_once";
    char* const argv[] = {program.data(), test.data(), nullptr};
    cooper4j::restart_with_sleeping_threads(const_cast<char**>(argv));
    _exit(2);
  }
  int status = -1;
  CHECK_EQ(child, waitpid(child, &status, 0));
  CHECK_EQ(0, status);
}

TEST(the_affinity_mask_bounds_the_cores) {
  cpu_set_t before;
  CHECK_EQ(0, sched_getaffinity(0, sizeof before, &before));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; CPU_COUNT(&one) == 0; ++cpu)
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
  sched_setaffinity(0, sizeof one, &one);
  CHECK_EQ(1, cooper4j::available_cores());
  sched_setaffinity(0, sizeof before, &before);
}

/// Control groups as a folder of files.
struct Groups {
  std::filesystem::path root =
      std::filesystem::temp_directory_path() / ("cooper4j-groups-" + std::to_string(getpid()));

  ~Groups() { std::filesystem::remove_all(root); }

  void write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories((root / file).parent_path());
    std::ofstream(root / file) << text << "\n";
  }

  double quota() const { return cooper4j::cpu_quota(root / "cgroup", root / "fs"); }
};

TEST(the_smallest_quota_of_a_group_and_those_above_it_counts) {
  const Groups groups;
  CHECK_EQ(0.0, groups.quota());
  groups.write("cgroup", "0::/pod/container");
  groups.write("fs/pod/container/cpu.max", "max 100000");
  CHECK_EQ(0.0, groups.quota());
  groups.write("fs/pod/cpu.max", "150000 100000");
  CHECK_EQ(1.5, groups.quota());
  groups.write("fs/pod/container/cpu.max", "50000 100000");
  CHECK_EQ(0.5, groups.quota());
}

TEST(quotas_of_the_first_version_count_too) {
  const Groups groups;
  groups.write("cgroup", "5:memory:/docker/a\n4:cpu,cpuacct:/docker/a");
  groups.write("fs/cpu/cpu.cfs_quota_us", "-1");
  groups.write("fs/cpu/cpu.cfs_period_us", "100000");
  CHECK_EQ(0.0, groups.quota());
  groups.write("fs/cpu/docker/a/cpu.cfs_quota_us", "300000");
  groups.write("fs/cpu/docker/a/cpu.cfs_period_us", "100000");
  CHECK_EQ(3.0, groups.quota());
}

TEST(a_container_sees_its_group_as_the_root) {
  const Groups groups;
  groups.write("cgroup", "0::/");
  groups.write("fs/cpu.max", "200000 100000");
  CHECK_EQ(2.0, groups.quota());
}

}  // namespace

CHECK_MAIN()
