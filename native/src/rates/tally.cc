#include "rates/tally.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "data_of.h"

namespace cooper4j::rates {
namespace {

constexpr double kTiny = 1e-30;  // a float32, too, and not 0

bool has_loops(const at::TensorOptions& options) {
  const auto dtype = c10::typeMetaToScalarType(options.dtype());
  return options.device().is_cpu() && (dtype == at::kFloat || dtype == at::kDouble);
}

const double* doubles(const at::Tensor& tensor) {
  return tensor.defined() ? data_of<double>(tensor) : nullptr;
}

/// The examples as plain memory.
struct Plain {
  explicit Plain(const Examples& examples)
      : truth(doubles(examples.truth)),
        weights(doubles(examples.weights)),
        codes(examples.groups.defined() && examples.groups.dim() == 1
                  ? data_of<int64_t>(examples.groups)
                  : nullptr),
        masks(examples.groups.defined() && examples.groups.dim() == 2 ? doubles(examples.groups)
                                                                      : nullptr) {}

  /// Codes were in range once, but they are the caller's.
  int64_t group(int64_t i, int64_t groups) const {
    const int64_t group = codes == nullptr ? 0 : codes[i];
    if (group < 0 || group >= groups) {
      throw std::out_of_range("a group code is " + std::to_string(group) + ", none of 0 to " +
                              std::to_string(groups - 1) +
                              ": codes were changed after groupBy checked them");
    }
    return group;
  }
  int label(int64_t i) const { return truth != nullptr && truth[i] != 0 ? 1 : 0; }
  double weight(int64_t i) const { return weights != nullptr ? weights[i] : 1; }

  const double* truth;
  const double* weights;
  const int64_t* codes;
  const double* masks;
};

template <typename T>
double share(T x, Input input) {
  if (input != Input::kScores) return x;
  return x > 0 ? 1 : x < 0 ? 0 : 0.5;
}

/// Adds to `found`, [3, groups].
template <typename T>
void add_up(const at::Tensor& x, Input input, const Examples& examples, const Tally& tally,
            double* found) {
  const Plain plain(examples);
  const T* values = data_of<T>(x);
  const int64_t n = x.numel(), groups = std::max<int64_t>(1, examples.size);
  for (int64_t i = 0; i < n; ++i) {
    const int label = plain.label(i);
    const double weight = plain.weight(i);
    const double part =
        weight * (tally.slope[label] * share(values[i], input) + tally.constant[label]);
    const double count = weight * tally.count[label];
    const auto add = [&](int64_t group, double member) {
      found[group] += member * part;
      found[groups + group] += member * count;
      found[2 * groups + group] += member * weight;
    };
    if (plain.masks == nullptr) {
      add(plain.group(i, groups), 1);
    } else {
      for (int64_t group = 0; group < groups; ++group) add(group, plain.masks[group * n + i]);
    }
  }
}

/// What of the gradient of each group's numerator comes to each example.
template <typename T>
void hand_out(const at::Tensor& gradient, const Examples& examples, const Tally& tally,
              const at::Tensor& result) {
  const Plain plain(examples);
  const double* of_group = data_of<double>(gradient);
  T* found = result.mutable_data_ptr<T>();
  const int64_t n = result.numel(), groups = std::max<int64_t>(1, examples.size);
  for (int64_t i = 0; i < n; ++i) {
    double sum = 0;
    if (plain.masks == nullptr) {
      sum = of_group[plain.group(i, groups)];
    } else {
      for (int64_t group = 0; group < groups; ++group) {
        sum += of_group[group] * plain.masks[group * n + i];
      }
    }
    found[i] = static_cast<T>(sum * plain.weight(i) * tally.slope[plain.label(i)]);
  }
}

/// weight * by_label, float64 [n].
at::Tensor per_example(const double (&by_label)[2], const Examples& examples,
                       const at::Tensor& like) {
  at::Tensor values =
      examples.truth.defined()
          ? examples.truth * (by_label[1] - by_label[0]) + by_label[0]
          : at::full({like.numel()}, by_label[0], like.options().dtype(at::kDouble));
  return examples.weights.defined() ? values * examples.weights : values;
}

at::Tensor sum_groups(const at::Tensor& values, const Examples& examples) {
  if (!examples.groups.defined()) return values.sum();
  if (examples.groups.dim() == 2) return examples.groups.mv(values);
  return at::zeros({examples.size}, values.options()).index_add(0, examples.groups, values);
}

at::Tensor add_up_tensors(const at::Tensor& x, Input input, const Examples& examples,
                          const Tally& tally) {
  at::Tensor shares = x.to(at::kDouble);
  if (input == Input::kScores) shares = shares.sign() * 0.5 + 0.5;
  static constexpr double kOne[2] = {1, 1};
  return at::stack({sum_groups(shares * per_example(tally.slope, examples, x) +
                                   per_example(tally.constant, examples, x),
                               examples),
                    sum_groups(per_example(tally.count, examples, x), examples),
                    sum_groups(per_example(kOne, examples, x), examples)});
}

/// The gradient of x, by tensor operations, which are differentiable again.
at::Tensor hand_out_tensors(const at::Tensor& gradient, const Examples& examples,
                            const Tally& tally, const at::Tensor& like) {
  at::Tensor each;
  if (!examples.groups.defined()) {
    each = gradient.expand({like.numel()});
  } else if (examples.groups.dim() == 2) {
    each = examples.groups.t().mv(gradient);
  } else {
    each = gradient.index_select(0, examples.groups);
  }
  return (each * per_example(tally.slope, examples, like)).to(like.scalar_type());
}

/// A rate is linear in x.
class TallyBackward : public torch::autograd::Node {
 public:
  TallyBackward(Examples examples, const Tally& tally, at::Tensor denominators, const at::Tensor& x)
      : examples_(std::move(examples)),
        tally_(tally),
        denominators_(std::move(denominators)),
        options_(x.options()),
        size_(x.numel()) {}

  std::string name() const override { return "TallyBackward"; }

  torch::autograd::variable_list apply(torch::autograd::variable_list&& gradients) override {
    const at::Tensor& gradient = gradients[0];
    if (!gradient.defined() || !task_should_compute_output(0)) return {at::Tensor()};
    const at::Tensor doubles = gradient.to(at::kDouble);
    const at::Tensor numerators =
        denominators_.defined() ? doubles / denominators_ : doubles.select(0, 0);
    at::Tensor result = at::empty({size_}, options_);
    if (c10::GradMode::is_enabled() || !has_loops(options_)) {
      return {hand_out_tensors(numerators, examples_, tally_, result)};
    }
    const at::Tensor plain = numerators.contiguous();
    if (result.scalar_type() == at::kFloat) {
      hand_out<float>(plain, examples_, tally_, result);
    } else {
      hand_out<double>(plain, examples_, tally_, result);
    }
    return {result};
  }

 private:
  Examples examples_;
  Tally tally_;
  at::Tensor denominators_;  // what the gradient is divided by; undefined for sums
  at::TensorOptions options_;  // of x
  int64_t size_;
};

bool learns(const at::Tensor& x, Input input) {
  return input == Input::kSurrogate && c10::GradMode::is_enabled() && x.requires_grad();
}

/// LibTorch 2.10's edges own their nodes by a shared_ptr, whose deleter newer ones do not declare:
/// theirs own nodes by an intrusive_ptr.
template <typename Owner, typename... Arguments>
Owner make_node(Arguments&&... arguments) {
  if constexpr (std::is_same_v<Owner, std::shared_ptr<torch::autograd::Node>>) {
    return Owner(new TallyBackward(std::forward<Arguments>(arguments)...),
                 [](auto* node) { deleteNode(node); });  // torch::autograd's
  } else {
    return c10::make_intrusive<TallyBackward>(std::forward<Arguments>(arguments)...);
  }
}

at::Tensor with_history(at::Tensor result, const at::Tensor& x, const Examples& examples,
                        const Tally& tally, at::Tensor denominators) {
  auto node = make_node<decltype(torch::autograd::Edge::function)>(examples, tally,
                                                                   std::move(denominators), x);
  node->set_next_edges(torch::autograd::collect_next_edges(x));
  torch::autograd::create_gradient_edge(result, node);
  return result;
}

at::Tensor plain_sums(const at::Tensor& x, Input input, const Examples& examples,
                      const Tally& tally) {
  const c10::AutoGradMode no_graph(false);
  if (!has_loops(x.options())) return add_up_tensors(x, input, examples, tally);
  const at::Tensor values = x.contiguous();
  at::Tensor found = examples.groups.defined()
                         ? at::zeros({3, examples.size}, x.options().dtype(at::kDouble))
                         : at::zeros({3}, x.options().dtype(at::kDouble));
  if (x.scalar_type() == at::kFloat) {
    add_up<float>(values, input, examples, tally, found.mutable_data_ptr<double>());
  } else {
    add_up<double>(values, input, examples, tally, found.mutable_data_ptr<double>());
  }
  return found;
}

/// Loops read plain memory, as much of it as x has rows.
Examples contiguous(const Examples& examples, const at::Tensor& x) {
  const auto plain = [n = x.numel()](const at::Tensor& tensor) {
    if (!tensor.defined()) return tensor;
    if (tensor.size(-1) != n) {
      throw std::invalid_argument("labels, weights or groups have " +
                                  std::to_string(tensor.size(-1)) + " rows, scores " +
                                  std::to_string(n) + ": they were resized");
    }
    return tensor.contiguous();
  };
  return {plain(examples.truth), plain(examples.weights), plain(examples.groups), examples.size};
}

/// What one loop reads; operations of tensors cost more than it on a batch.
bool is_plain(const at::Tensor& tensor) {
  return has_loops(tensor.options()) && tensor.is_contiguous();
}

template <typename T>
bool any_nan(const at::Tensor& tensor) {
  const T* values = data_of<T>(tensor);
  const int64_t n = tensor.numel();
  bool found = false;
  for (int64_t i = 0; i < n; ++i) found |= std::isnan(values[i]);
  return found;
}

/// Whether all are 0 or 1.
template <typename T>
bool copy_binary(const at::Tensor& labels, const at::Tensor& copy) {
  const T* values = data_of<T>(labels);
  double* found = copy.mutable_data_ptr<double>();
  const int64_t n = labels.numel();
  bool binary = true;
  for (int64_t i = 0; i < n; ++i) {
    binary &= values[i] == 0 || values[i] == 1;
    found[i] = values[i];
  }
  return binary;
}

}  // namespace

at::Tensor sums(const at::Tensor& x, Input input, const Examples& examples, const Tally& tally) {
  const Examples plain = contiguous(examples, x);
  at::Tensor found = plain_sums(x, input, plain, tally);
  return learns(x, input) ? with_history(found, x, plain, tally, at::Tensor()) : found;
}

at::Tensor quotients(const at::Tensor& x, Input input, const Examples& examples,
                     const Tally& tally, at::ScalarType dtype) {
  const Examples plain = contiguous(examples, x);
  at::Tensor numerators, denominators, found;
  {
    const c10::AutoGradMode no_graph(false);
    const at::Tensor both = plain_sums(x, input, plain, tally);
    numerators = both.select(0, 0);
    denominators = both.select(0, 1);
    if (input == Input::kSurrogate) denominators = denominators.clamp_min(kTiny);
    found = (numerators / denominators).to(dtype);
  }
  return learns(x, input) ? with_history(found, x, plain, tally, denominators) : found;
}

at::Tensor binary_labels(const at::Tensor& labels) {
  const c10::AutoGradMode no_graph(false);
  if (is_plain(labels)) {
    at::Tensor found = at::empty(labels.sizes(), labels.options().dtype(at::kDouble));
    const bool binary = labels.scalar_type() == at::kFloat ? copy_binary<float>(labels, found)
                                                           : copy_binary<double>(labels, found);
    return binary ? found : at::Tensor();
  }
  const at::Tensor numbers = labels.detach().to(at::kDouble);
  // Squares are themselves for 0 and 1 alone.
  return (numbers * numbers).equal(numbers) ? numbers : at::Tensor();
}

at::Tensor group_codes(const at::Tensor& codes, int64_t size) {
  const c10::AutoGradMode no_graph(false);
  const at::Tensor plain = codes.detach();
  if (plain.is_cpu() && plain.scalar_type() == at::kLong && plain.is_contiguous()) {
    const int64_t* values = data_of<int64_t>(plain);
    const bool good = std::all_of(values, values + plain.numel(), [size](int64_t code) {
      return code >= 0 && code < size;
    });
    return good ? plain : at::Tensor();
  }
  const at::Tensor numbers = plain.to(at::kLong);
  if (plain.is_floating_point() && !plain.equal(numbers.to(plain.scalar_type()))) return {};
  if (numbers.numel() > 0) {
    const auto [least, most] = numbers.aminmax();
    if (least.item<int64_t>() < 0 || most.item<int64_t>() >= size) return {};
  }
  return numbers;
}

bool has_nan(const at::Tensor& scores) {
  const c10::AutoGradMode no_graph(false);
  if (is_plain(scores)) {
    return scores.scalar_type() == at::kFloat ? any_nan<float>(scores) : any_nan<double>(scores);
  }
  // The least of numbers with a NaN is NaN.
  return scores.numel() > 0 && std::isnan(scores.detach().min().item<double>());
}

}  // namespace cooper4j::rates
