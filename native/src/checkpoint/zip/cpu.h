// What an x86-64 processor can, asked of it: __builtin_cpu_supports needs a runtime that clang-cl
// does not link, and GCC 12's does not know SHA.
#pragma once

#include <cpuid.h>

namespace cooper4j {

struct CpuLeaf {
  unsigned a = 0, b = 0, c = 0, d = 0;  // nothing, if the processor has no such leaf
  explicit CpuLeaf(unsigned leaf) { __get_cpuid_count(leaf, 0, &a, &b, &c, &d); }
};

inline bool has_sse41() { return (CpuLeaf(1).c >> 19 & 1) != 0; }

inline bool has_carry_less_multiplication() { return (CpuLeaf(1).c >> 1 & 1) != 0 && has_sse41(); }

inline bool has_sha_instructions() { return (CpuLeaf(7).b >> 29 & 1) != 0 && has_sse41(); }

}  // namespace cooper4j
