#if defined(__linux__)
#include <sched.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "cooper4j/threads.h"
#include "quota.h"

namespace cooper4j {
namespace {

namespace fs = std::filesystem;

/// The cores that one group's files grant; 0: no limit.
double quota(const fs::path& group) {
  std::string limit;
  double period = 0;
  if (std::ifstream(group / "cpu.max") >> limit >> period) {  // version 2: "150000 100000"
    return limit == "max" || period <= 0 ? 0 : std::atof(limit.c_str()) / period;
  }
  double micros = 0;
  if (std::ifstream(group / "cpu.cfs_quota_us") >> micros &&
      std::ifstream(group / "cpu.cfs_period_us") >> period && micros > 0 && period > 0) {
    return micros / period;
  }
  return 0;
}

/// The smallest quota of a group and those above it, up to the mount point.
double smallest_quota(const fs::path& mount, fs::path group) {
  double smallest = quota(mount);
  for (group = group.relative_path(); !group.empty(); group = group.parent_path()) {
    const double cores = quota(mount / group);
    if (cores > 0 && (smallest == 0 || cores < smallest)) smallest = cores;
  }
  return smallest;
}

}  // namespace

double cpu_quota(const fs::path& proc_cgroup, const fs::path& mount) {
  std::ifstream groups(proc_cgroup);
  double smallest = 0;
  for (std::string line; std::getline(groups, line);) {  // "0::/path", "4:cpu,cpuacct:/path"
    std::istringstream fields(line);
    std::string id;
    std::string controllers;
    std::string path;
    std::getline(std::getline(std::getline(fields, id, ':'), controllers, ':'), path);
    double cores = 0;
    if (controllers.empty()) {
      cores = smallest_quota(mount, path);
    } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
      cores = smallest_quota(mount / "cpu", path);
    }
    if (cores > 0 && (smallest == 0 || cores < smallest)) smallest = cores;
  }
  return smallest;
}

int available_cores() {
  int cores = static_cast<int>(std::thread::hardware_concurrency());
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) cores = CPU_COUNT(&set);
  const double quota = cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup");
  if (quota > 0) cores = std::min(cores, static_cast<int>(quota));
#endif
  return std::max(1, cores);
}

}  // namespace cooper4j
