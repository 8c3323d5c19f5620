// What Java calls.
//
// Errors: as Java's exceptions, see exceptions.h.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/csrc/api/include/torch/optim/optimizer.h>

#include <cstdint>
#include <vector>

#include "cooper4j/lagrangian.h"
#include "cooper4j/optim/extragradient.h"
#include "cooper4j/optim/gradients.h"
#include "cooper4j/optim/moreau.h"

namespace cooper4j::jni {

/// cooper4j::Evaluation over terms that cross JNI as addresses and flags.
class Evaluation : public cooper4j::Evaluation {
 public:
  /// `tensors` holds kTensors addresses of at::Tensor a term (0: none was given) in Term's order,
  /// `flags` one word a term: formulation | inequality << 4 | primal << 5 | dual << 6 | multiplier
  /// learns << 7 | multiplier kind << 8 | penalty kind << 12. With `backward` the gradients are
  /// computed in the same call.
  Evaluation(const at::Tensor* loss, const int64_t* tensors, const int* flags, int count,
             bool primal, bool dual, bool backward);

  at::Tensor lagrangian(bool primal) const {
    return cooper4j::Evaluation::lagrangian(side(primal));
  }
  at::Tensor multiplier(int term, bool primal) const {
    return factors(term, side(primal)).multiplier;
  }
  at::Tensor penalty(int term, bool primal) const { return factors(term, side(primal)).penalty; }
  at::Tensor violation(int k) const { return term(k).violation; }
  at::Tensor strict_violation(int k) const { return term(k).strict_violation; }
  void backward(bool primal) { cooper4j::Evaluation::backward(side(primal)); }
  bool backward_switched(double tolerance, double scale) {
    return cooper4j::Evaluation::backward_switched(tolerance, scale);
  }

  static constexpr int kTensors = 8;

 private:
  static Side side(bool primal) { return primal ? Side::kPrimal : Side::kDual; }
};

/// The LibTorch optimizers of one roll, so that what is done to all of them is one call. They are
/// their owner's, who asks nothing of this once one of them is gone.
class Optimizers {
 public:
  /// `addresses` of torch::optim::Optimizer: of so many primal ones, then of the dual ones.
  Optimizers(const int64_t* addresses, int primal, int count);

  /// Chooses the threads for a roll; how many parameters there are now in all groups.
  int64_t begin();
  static void end();
  int64_t parameters() const;
  std::vector<at::Tensor> primal_parameters() const;
  const cooper4j::Optimizers& side(bool primal) const { return primal ? primal_ : dual_; }
  void zero_grad() const;
  /// cooper4j/optim/step.h
  void check_step(bool primal) const;
  /// One step each; whether a sparse gradient's rows are all that moved.
  bool step(bool primal);

  /// cooper4j/optim/gradients.h
  at::Tensor grad_norm(bool primal, double norm_type) const;
  at::Tensor clip_grad_norm(bool primal, double max_norm, double norm_type,
                            bool error_if_nonfinite) const;
  void clip_grad_value(bool primal, double clip_value) const;
  void scale_grad(bool primal, double factor) const;
  /// cooper4j/optim/moreau.h, to the primal side
  void apply(MoreauEnvelope& envelope) const;

 private:
  cooper4j::Optimizers primal_;
  cooper4j::Optimizers dual_;
  int64_t parameters_ = -1;  // as of the last begin()
  int64_t primal_elements_ = 0;
  bool splits_ = true;  // the graphs of the last step
};

/// Reads numbers into `values`, if `capacity` is enough for them, and returns how many there are.
/// `counts` gets the number of elements of each part, -1 where there is none: the loss; of each
/// term of `dual`, or of `primal` if that is null, violation, features if they are indices, strict
/// violation and its features likewise; of each term of `primal` multiplier and penalty coefficient
/// (one, if it is one for all violations); of each term of `dual` the multiplier if it is not the
/// tensor before; last the `count` tensors at the addresses `tensors` (0: none), none of one that
/// is not dense and real or has more than `most` elements.
int64_t read_values(const Evaluation* primal, const Evaluation* dual, const int64_t* tensors,
                    int count, int64_t most, int64_t* counts, double* values, int64_t capacity);

/// Those at so many addresses.
std::vector<at::Tensor> tensors_at(const int64_t* addresses, int count);

/// One backward pass from `count` roots, whose gradients accumulate in the leaves.
void backward(const int64_t* roots, const int64_t* gradients, int count);

/// cooper4j/optim/step.h
bool step(torch::optim::Optimizer& optimizer);
bool takes_no_sparse_gradient(const torch::optim::Optimizer& optimizer);

/// Sets the learning rate of a group.
void set_lr(torch::optim::Optimizer& optimizer, int group, double lr);

/// The rate that a group's schedules start from, as Python's param_groups keep it.
double initial_lr(torch::optim::Optimizer& optimizer, int group);

/// What Python's math.cos and ** are: Java's own may differ in the last digit.
double cos(double x);
double pow(double x, double y);

/// JavaCPP has no std::tuple.
template <typename Options>
void set_betas(Options& options, double beta1, double beta2) {
  options.betas({beta1, beta2});
}

/// Adds a group with a copy of the options.
void add_param_group(torch::optim::Optimizer& optimizer, const std::vector<at::Tensor>& params,
                     const torch::optim::OptimizerOptions& options);

/// Clamps a dense multiplier to be non-negative; NaN stays NaN.
void project_non_negative(const at::Tensor& weight);

/// The same for the rows that weight's sparse gradient names.
void project_gradient_rows(const at::Tensor& weight);

/// Cooper's FeasibilityDrivenPenaltyCoefficientUpdater: violated entries become factor * value +
/// summand, at most `maximum`, satisfied ones lose the share `leak` of what they are above init.
/// `indices` may be null.
void update_penalty(const at::Tensor& value, const at::Tensor& init, const at::Tensor& violation,
                    const at::Tensor* indices, bool inequality, double leak, double tolerance,
                    double factor, double summand, double maximum);

/// rates/tally.h; `truth`, `weights` and `groups` may be null, `tally` has slope, constant and
/// count, each of label 0 and of label 1, `input` is an Input. Sums, or quotients of float64 or
/// float32.
at::Tensor tally_sums(const at::Tensor& x, int input, const at::Tensor* truth,
                      const at::Tensor* weights, const at::Tensor* groups, int64_t size,
                      const double* tally);
at::Tensor tally_quotients(const at::Tensor& x, int input, const at::Tensor* truth,
                           const at::Tensor* weights, const at::Tensor* groups, int64_t size,
                           const double* tally, bool float64);
/// A violation: value - bound, or bound - value.
at::Tensor above(const at::Tensor& value, double bound);
at::Tensor below(const at::Tensor& value, double bound);

at::Tensor binary_labels(const at::Tensor& labels);
at::Tensor group_codes(const at::Tensor& codes, int64_t size);
bool has_nan(const at::Tensor& scores);

/// cooper4j/penalty.h; `indices` may be null.
void update_barrier_penalty(const at::Tensor& value, const at::Tensor& multiplier,
                            const at::Tensor& violation, const at::Tensor* indices, int formulation,
                            int rule, double factor, double delta, double lower, double upper);

/// cooper4j/project.h
void bound(const at::Tensor& weight, double lower, double upper, double leak,
           bool gradient_rows_only);

/// cooper4j/command.h, over the process's own output; the arguments stand one after another, each
/// ended by a NUL.
int run_command(const char* arguments, int64_t n);

/// cooper4j/memory.h
void cache_cpu_memory(int64_t bytes);
void empty_cpu_cache();

/// cooper4j/threads.h
void init_threads(int cores, bool sleep);
void set_num_threads(int threads);
int num_threads();

}  // namespace cooper4j::jni
