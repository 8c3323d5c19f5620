// How many threads the CPU kernels use.
//
// LibTorch has two pools on the CPU: OpenMP's, for element-wise work, and OpenBLAS's, for matrix
// products. Both wait for work by spinning, so that together they fight for the cores (MNIST: 45
// steps a second instead of 3000). Here matrix products get the threads, which is where large
// models spend their time, and only in models large enough to gain. A LibTorch without OpenBLAS has
// one pool, which follows the same numbers.
//
// Threads: any; the numbers are the process's.
#pragma once

#include <cstdint>

#include "cooper4j/export.h"

namespace cooper4j {

/// Models with fewer parameters train on one thread unless a number was set. Measured with
/// perceptrons on two cores: one thread is faster up to 400,000 parameters, two from 700,000 on.
constexpr int64_t kParametersForThreads = int64_t{1} << 20;

/// Ends the fight: one OpenMP thread, unless at::set_num_threads or OMP_NUM_THREADS asked for
/// another number. `cores` bounds what is chosen later; 0 takes what OpenBLAS or the machine
/// offers.
COOPER4J_EXPORT void init_threads(int cores = 0);

/// Fixes the number of threads; 0 chooses by the size of the model again.
/// Throws std::invalid_argument for a negative number.
COOPER4J_EXPORT void set_num_threads(int threads);

/// The number that was set, or 0.
COOPER4J_EXPORT int num_threads();

/// Applies the number for a model of so many parameters; every training step calls it. Where
/// at::set_num_threads gave OpenMP more than one thread, OpenBLAS keeps to one.
COOPER4J_EXPORT void use_threads_for(int64_t parameters);

}  // namespace cooper4j
