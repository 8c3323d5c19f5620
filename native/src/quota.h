// The CPU time that control groups grant.
#pragma once

#include <filesystem>

namespace cooper4j {

/// The cores that the quotas of the groups in `proc_cgroup` (/proc/self/cgroup) come to, with the
/// groups' folders below `mount` (/sys/fs/cgroup); 0 if there is no limit. Versions 1 and 2.
double cpu_quota(const std::filesystem::path& proc_cgroup, const std::filesystem::path& mount);

}  // namespace cooper4j
