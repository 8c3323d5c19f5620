#include "lagrangian/bound.h"

#include <ATen/ATen.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/autograd/forward_grad.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/generated/Functions.h>

#include "lagrangian/small.h"

namespace cooper4j {
namespace {

using torch::autograd::generated::RsubBackward1;
using torch::autograd::generated::SubBackward1;

/// Whether autograd alone would see an operation on `value`: no tracer, mode or other layer, and
/// no names or tangents to pass on.
bool is_plain(const at::Tensor& value) {
  const auto& local = c10::impl::tls_local_dispatch_key_set();
  const auto keys = (value.key_set() | local.included_) - local.excluded_;
  return keys.highestPriorityTypeId() == c10::DispatchKey::AutogradCPU && !value.has_names() &&
         !torch::autograd::ForwardADLevel::try_get_by_idx(0);
}

/// f(value) in a plain loop, differentiated by a node of `Backward`.
template <typename Backward, typename F, typename Prepare>
at::Tensor map_with_graph(const at::Tensor& value, F f, Prepare prepare) {
  at::Tensor result = map_small(value.sizes(), f, value);
  if (torch::autograd::compute_requires_grad(value)) {
    const std::shared_ptr<Backward> node(new Backward(), torch::autograd::deleteNode);
    node->set_next_edges(torch::autograd::collect_next_edges(value));
    node->self_scalar_type = value.scalar_type();
    prepare(*node);
    torch::autograd::set_history(result, node);
  }
  return result;
}

}  // namespace

at::Tensor above(const at::Tensor& value, double bound) {
  if (!is_small(value) || !is_plain(value)) return value.sub(bound);
  return map_with_graph<SubBackward1>(
      value, [=](auto x) { return x - static_cast<decltype(x)>(bound); }, [](SubBackward1&) {});
}

at::Tensor below(const at::Tensor& value, double bound) {
  if (!is_small(value) || !is_plain(value)) return at::rsub(value, bound);
  return map_with_graph<RsubBackward1>(
      value, [=](auto x) { return static_cast<decltype(x)>(bound) - x; },
      [](RsubBackward1& node) { node.alpha = 1; });
}

}  // namespace cooper4j
