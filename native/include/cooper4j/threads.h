// How many threads the CPU kernels use.
//
// LibTorch has two pools on the CPU: OpenMP's, for convolutions, attention, normalisations and
// element-wise work, and OpenBLAS's, for matrix products. OpenMP's idle threads spin for 3 ms, in
// which OpenBLAS's find no core: a logistic regression then makes 60 steps a second instead of
// 6000. They sleep instead where the environment had OMP_WAIT_POLICY=passive when the process
// started (the Java library sets it for itself, a program by restart_with_sleeping_threads); then
// both pools have all cores. Where they spin, OpenMP keeps to one thread, and OpenBLAS has the
// cores. A LibTorch without OpenBLAS has one pool, which has the cores.
//
// OpenBLAS's own threads wait for each other by spinning: short products lose by more threads, and
// all do where threads are more than cores. So they keep to one in small models, and wherever
// several threads train at a time, which also share OpenMP's cores.
//
// A thread that sleeps takes its time to wake, so that OpenMP keeps to one, too, in steps whose
// tensors are all below LibTorch's grain size (32768 elements), if the last step had no larger ones.
//
// OMP_NUM_THREADS, OPENBLAS_NUM_THREADS and at::set_num_threads win over what is chosen here.
//
// Threads: any; the numbers are the process's.
#pragma once

#include <cstdint>

#include "cooper4j/export.h"

namespace cooper4j {

/// Models with fewer parameters keep matrix products to one thread unless a number was set. With
/// perceptrons on two cores one thread is faster up to 400,000 parameters, two from 700,000 on.
constexpr int64_t kParametersForThreads = int64_t{1} << 19;

/// Whether OpenMP's idle threads sleep at once, by the environment: OMP_WAIT_POLICY=passive, or a
/// GOMP_SPINCOUNT (libgomp) or KMP_BLOCKTIME (libiomp5) of nearly nothing.
COOPER4J_EXPORT bool idle_threads_sleep();

/// How many cores the process may use: those of its affinity mask (taskset), or what the quotas of
/// its control groups (containers) come to, rounded down.
COOPER4J_EXPORT int available_cores();

/// To be called first in main: starts the program once more, with OMP_WAIT_POLICY=passive in its
/// environment, since OpenMP's library has read it before main. Does nothing where it would change
/// nothing, on Windows, and where OMP_WAIT_POLICY, GOMP_SPINCOUNT, KMP_BLOCKTIME or OMP_NUM_THREADS
/// is set.
COOPER4J_EXPORT void restart_with_sleeping_threads(char** argv);

/// Gives the pools their threads; the first training step does unless it was done. `cores` bounds
/// them, 0: available_cores(). A child that is forked afterwards keeps OpenMP to one thread, since
/// the others are its parent's.
COOPER4J_EXPORT void init_threads(int cores = 0, bool sleep = idle_threads_sleep());

/// Fixes the number of threads of both pools (of OpenBLAS's where OpenMP's spin); 0 chooses again.
/// Throws std::invalid_argument for a negative number.
COOPER4J_EXPORT void set_num_threads(int threads);

/// The number that was set, or 0.
COOPER4J_EXPORT int num_threads();

/// Applies the numbers to the calling thread, which trains a model of so many parameters; every
/// training step calls it. `splits`: whether it has work that OpenMP splits to a gain.
COOPER4J_EXPORT void use_threads_for(int64_t parameters, bool splits = true);

}  // namespace cooper4j
