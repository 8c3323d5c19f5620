#include "lagrangian/backward.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <c10/util/flat_hash_map.h>
#include <torch/csrc/autograd/anomaly_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/engine.h>
#include <torch/csrc/autograd/forward_grad.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/generated/Functions.h>

#include <algorithm>
#include <typeinfo>

#include "data_of.h"
#include "lagrangian/small.h"
#include "log.h"

namespace cooper4j {
namespace {

using torch::autograd::Edge;
using torch::autograd::Node;
using torch::autograd::generated::ConvolutionBackward0;
using torch::autograd::generated::RsubBackward1;
using torch::autograd::generated::SelectBackward0;

thread_local bool split = false;

/// The gradient of one output of a node, summed over its uses.
class Sum {
 public:
  void add(at::Tensor gradient) {
    if (!value_.defined()) {
      value_ = std::move(gradient);
    } else if (gradient.defined()) {
      value_ = is_small(value_, gradient) && value_.sizes() == gradient.sizes()
                   ? map_small(value_.sizes(), plus, value_, gradient)
                   : larger_sum(gradient);
      ours_ = true;
    }
  }

  /// Adds to one slice, where SelectBackward0 would make a tensor of zeros around the gradient.
  void add_selected(const at::Tensor& gradient, at::IntArrayRef sizes, int64_t dim, int64_t index) {
    if (!value_.defined() || value_._is_zerotensor()) {
      value_ = at::zeros(sizes, gradient.options());
    } else if (value_.layout() != at::kStrided) {
      value_ = value_.to_dense();
    } else if (!ours_) {
      value_ = value_.clone();
    }
    ours_ = true;
    if (value_.dim() != 1 || !is_small(gradient) ||
        !optim::is_direct(value_, gradient.scalar_type())) {
      value_.select(dim, index).add_(gradient);
      return;
    }
    optim::with_element_type(gradient, [&](auto zero) {
      using T = decltype(zero);
      value_.mutable_data_ptr<T>()[index < 0 ? index + value_.size(0) : index] +=
          *data_of<T>(gradient);
    });
  }

  at::Tensor take() { return std::move(value_); }

 private:
  static constexpr auto plus = [](auto a, auto b) { return a + b; };

  at::Tensor larger_sum(const at::Tensor& gradient) {
    // Only a dense tensor takes a sparse one.
    if (value_.layout() != at::kStrided) return gradient + value_;
    // The sum of two zero tensors of forward-mode AD is one, which has no memory to write to.
    const bool in_place = ours_ && !value_._is_zerotensor() && gradient.layout() == at::kStrided &&
                          value_.scalar_type() == gradient.scalar_type();
    return in_place ? value_.add_(gradient) : value_ + gradient;
  }

  at::Tensor value_;
  bool ours_ = false;  // made here, so that nobody else sees it change
};

struct Visit {
  explicit Visit(Node* node) : node(node), inputs(node->num_inputs()) {}

  Node* node;
  size_t first_edge = 0;  // into Pass::next_
  uint32_t dependencies = 0;
  std::vector<Sum> inputs;  // one for each output of the forward operation
};

/// What in a node needs the engine; null if nothing does.
const char* need_of(Node& node) {
  if (!node.pre_hooks().empty() || !node.post_hooks().empty() || !node.tensor_pre_hooks().empty() ||
      !node.retains_grad_hooks().empty()) {
    return "the graph has hooks";
  }
  for (uint32_t i = 0; i < node.num_inputs(); ++i) {
    const auto& metadata = node.input_metadata(i);
    if (!metadata.device().is_cpu()) return "the graph lies on another device than the CPU";
    if (metadata.is_nested_tensor() || metadata.is_tensor_subclass()) {
      return "the graph has nested tensors or a subclass's";
    }
  }
  return nullptr;
}

bool may_split(const Node& node) {
  if (typeid(node) == typeid(ConvolutionBackward0)) return true;
  for (uint32_t i = 0; i < node.num_inputs(); ++i) {
    int64_t numel = 1;
    for (const auto& size : node.input_metadata(i).shape_as_dim_vector()) {
      numel *= size.expect_int();
    }
    if (numel > at::internal::GRAIN_SIZE) return true;
  }
  return false;
}

/// Whether validate_outputs would leave the gradient as it is.
bool fits(const Edge& edge, const at::Tensor& gradient) {
  if (!edge.is_valid() || !gradient.defined()) return true;
  const auto& metadata = edge.function->input_metadata(edge.input_nr);
  return !metadata.was_default_constructed() && metadata.grad_dtype() == gradient.scalar_type() &&
         metadata.layout() == gradient.layout() && metadata.device() == gradient.device() &&
         metadata.is_same_shape(gradient);
}

/// validate_outputs, where there is something to do for it.
template <typename Maker>
void validate(const torch::autograd::edge_list& edges, std::vector<at::Tensor>& gradients,
              const Maker& maker) {
  bool fit = gradients.size() == edges.size();
  for (size_t i = 0; fit && i < edges.size(); ++i) fit = fits(edges[i], gradients[i]);
  if (fit) return;
  torch::autograd::validate_outputs(edges, gradients,
                                    [&maker](const std::string& text) { return maker() + text; });
}

class Pass {
  static constexpr auto negated = [](auto value) { return -value; };

 public:
  /// What needs the engine; null if every node can be run here.
  const char* discover(const std::vector<Edge>& roots) {
    if (torch::autograd::AnomalyMode::is_enabled()) return "anomaly mode is on";
    // Inside of a level of forward-mode AD gradients have tangents, which plain loops would drop.
    if (torch::autograd::ForwardADLevel::try_get_by_idx(0)) return "forward-mode AD is on";
    for (const Edge& root : roots) index_of(root);
    for (size_t i = 0; i < visits_.size(); ++i) {
      Node& node = *visits_[i].node;
      if (const char* need = need_of(node)) return need;
      split = split || may_split(node);
      visits_[i].first_edge = next_.size();
      for (const Edge& edge : node.next_edges()) {
        next_.push_back(edge.is_valid() ? index_of(edge) : 0);
        if (edge.is_valid()) ++visits_[next_.back()].dependencies;
      }
    }
    return nullptr;
  }

  void run(const std::vector<Edge>& roots, std::vector<at::Tensor> gradients) {
    validate(roots, gradients, [] { return std::string(); });
    for (size_t i = 0; i < roots.size(); ++i) {
      input(index_of(roots[i]), roots[i].input_nr).add(std::move(gradients[i]));
    }
    for (uint32_t i = 0; i < visits_.size(); ++i) {
      if (visits_[i].dependencies == 0) make_ready(i);
    }
    while (!ready_.empty()) {
      std::pop_heap(ready_.begin(), ready_.end());
      Visit& visit = visits_[ready_.back().second];
      ready_.pop_back();
      if (!scatter(visit) && !negate(visit)) apply(visit);
    }
  }

 private:
  uint32_t index_of(const Edge& edge) {
    const auto [entry, added] =
        indices_.emplace(edge.function.get(), static_cast<uint32_t>(visits_.size()));
    if (added) {
      visits_.emplace_back(edge.function.get());
    }
    return entry->second;
  }

  Sum& input(uint32_t visit, uint32_t i) { return visits_[visit].inputs.at(i); }

  /// As the engine's queue: what was made last runs first, leaves before everything.
  void make_ready(uint32_t visit) {
    ready_.emplace_back(visits_[visit].node->sequence_nr(), visit);
    std::push_heap(ready_.begin(), ready_.end());
  }

  void arrived(uint32_t visit) {
    if (--visits_[visit].dependencies == 0) make_ready(visit);
  }

  bool scatter(Visit& visit) {
    if (typeid(*visit.node) != typeid(SelectBackward0)) return false;
    const auto& select = static_cast<const SelectBackward0&>(*visit.node);
    const Edge& edge = select.next_edge(0);
    const at::Tensor gradient = visit.inputs[0].take();
    if (!edge.is_valid() || !gradient.defined() || gradient.layout() != at::kStrided ||
        edge.function->input_metadata(edge.input_nr).grad_dtype() != gradient.scalar_type()) {
      visit.inputs[0].add(gradient);
      return false;
    }
    const uint32_t next = next_[visit.first_edge];
    input(next, edge.input_nr)
        .add_selected(gradient, C10_AS_INTARRAYREF_SLOW(select.self_sym_sizes), select.dim,
                      select.index.expect_int());
    arrived(next);
    return true;
  }

  /// `1 - x` of a few elements, by a plain loop.
  bool negate(Visit& visit) {
    if (typeid(*visit.node) != typeid(RsubBackward1)) return false;
    const auto& rsub = static_cast<const RsubBackward1&>(*visit.node);
    const Edge& edge = rsub.next_edge(0);
    const at::Tensor gradient = visit.inputs[0].take();
    if (!edge.is_valid() || !is_small(gradient) || !fits(edge, gradient) || !rsub.alpha.equal(1)) {
      visit.inputs[0].add(gradient);
      return false;
    }
    const uint32_t next = next_[visit.first_edge];
    input(next, edge.input_nr).add(map_small(gradient.sizes(), negated, gradient));
    arrived(next);
    return true;
  }

  void apply(Visit& visit) {
    Node& node = *visit.node;
    std::vector<at::Tensor> inputs;
    inputs.reserve(visit.inputs.size());
    for (Sum& sum : visit.inputs) inputs.push_back(sum.take());
    const size_t first_edge = visit.first_edge;
    node.will_release_variables();
    std::vector<at::Tensor> outputs = node(std::move(inputs));
    node.release_variables();
    if (outputs.empty()) return;
    const auto& edges = node.next_edges();
    validate(edges, outputs, [&node] { return node.name() + " returned an "; });
    for (size_t i = 0; i < edges.size(); ++i) {
      if (!edges[i].is_valid()) continue;
      const uint32_t next = next_[first_edge + i];
      input(next, edges[i].input_nr).add(std::move(outputs[i]));
      arrived(next);
    }
  }

  std::vector<Visit> visits_;
  std::vector<uint32_t> next_;  // the visits that the edges of all nodes lead to
  ska::flat_hash_map<Node*, uint32_t> indices_;
  std::vector<std::pair<uint64_t, uint32_t>> ready_;  // a heap of (sequence number, visit)
};

}  // namespace

void backward(const std::vector<at::Tensor>& roots, std::vector<at::Tensor> gradients) {
  if (roots.empty()) return;
  std::vector<Edge> edges;
  edges.reserve(roots.size());
  for (const at::Tensor& root : roots) {
    edges.push_back(torch::autograd::impl::gradient_edge(root));
  }
  Pass pass;
  if (const char* need = pass.discover(edges)) {
    if (is_logging()) log_once(std::string("LibTorch's engine makes the backward pass: ") + need);
    split = true;
    torch::autograd::backward(roots, gradients);
    return;
  }
  c10::AutoGradMode no_graph_of_the_pass(false);
  pass.run(edges, std::move(gradients));
}

bool graphs_split() { return split; }

void forget_graphs() { split = false; }

}  // namespace cooper4j
