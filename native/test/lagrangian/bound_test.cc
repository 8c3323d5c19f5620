#include "lagrangian/bound.h"

#include <torch/csrc/autograd/forward_grad.h>
#include <torch/torch.h>

#include "check.h"
#include "lagrangian/backward.h"

namespace {

using at::Tensor;

struct Side {
  Tensor (*ours)(const Tensor&, double);
  Tensor (*torchs)(const Tensor&, double);
};

const Side kSides[] = {
    {cooper4j::above, [](const Tensor& value, double bound) { return value.sub(bound); }},
    {cooper4j::below, [](const Tensor& value, double bound) { return at::rsub(value, bound); }}};

bool alike(const Tensor& found, const Tensor& expected) {
  const bool same_graph =
      found.requires_grad() == expected.requires_grad() &&
      (found.grad_fn() ? found.grad_fn()->name() : "") ==
          (expected.grad_fn() ? expected.grad_fn()->name() : "");
  return same_graph && found.dtype() == expected.dtype() && found.sizes() == expected.sizes() &&
         found.strides() == expected.strides() && found.equal(expected);
}

/// Whether value, graph and gradient are LibTorch's, bit for bit, by the engine and by our pass.
bool agrees(const Tensor& values) {
  bool good = true;
  for (const Side& side : kSides) {
    for (const double bound : {1.0, -0.3, 0.0, 1e30}) {
      const Tensor leaf = values.clone().requires_grad_();
      const Tensor value = leaf.mul(1);
      const Tensor expected = side.torchs(value, bound);
      const Tensor weight = at::full_like(expected, 0.7);
      good &= alike(side.ours(value, bound), expected);
      good &= alike(side.ours(values, bound), side.torchs(values, bound));
      expected.backward(weight, /*retain_graph=*/true);
      const Tensor gradient = leaf.grad().clone();
      leaf.mutable_grad().reset();
      side.ours(value, bound).backward(weight, /*retain_graph=*/true);
      good &= leaf.grad().equal(gradient);
      leaf.mutable_grad().reset();
      cooper4j::backward({side.ours(value, bound)}, {weight});
      good &= leaf.grad().equal(gradient);
    }
  }
  return good;
}

TEST(a_bounds_violation_is_what_libtorch_subtracts) {
  at::manual_seed(0);
  for (const auto dtype : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    for (const std::vector<int64_t>& shape :
         {std::vector<int64_t>{}, {1}, {7}, {0}, {2, 3}, {512}, {513}}) {
      CHECK(agrees(at::randn(shape, at::kDouble).to(dtype)));
    }
  }
  CHECK(agrees(at::randn({6}, at::kDouble).slice(0, 0, 6, 2)));
}

TEST(a_bounds_violation_makes_no_graph_where_gradients_are_off) {
  const Tensor leaf = at::ones({2}).requires_grad_();
  for (const Side& side : kSides) {
    {
      c10::NoGradGuard off;
      CHECK(!side.ours(leaf, 1).requires_grad());
    }
    c10::InferenceMode inference;
    CHECK(side.ours(leaf, 1).is_inference());
  }
}

TEST(a_bounds_violation_has_the_tangent_of_its_value) {
  const uint64_t level = torch::autograd::ForwardADLevel::get_next_idx();
  for (const Side& side : kSides) {
    const Tensor value = at::_make_dual(at::ones({2}), at::full({2}, 3.0), level);
    const auto tangent = [&](const Tensor& t) { return std::get<1>(at::_unpack_dual(t, level)); };
    CHECK(tangent(side.ours(value, 1)).equal(tangent(side.torchs(value, 1))));
  }
  torch::autograd::ForwardADLevel::release_idx(level);
}

TEST(the_pass_goes_through_one_minus_x_as_the_engine_does) {
  for (const double alpha : {1.0, 2.0}) {
    const Tensor leaf = at::randn({3}).requires_grad_();
    const Tensor root = at::rsub(leaf.mul(2), at::Scalar(1.0), alpha);
    root.backward(at::full({3}, 0.7), /*retain_graph=*/true);
    const Tensor expected = leaf.grad().clone();
    leaf.mutable_grad().reset();
    cooper4j::backward({root}, {at::full({3}, 0.7)});
    CHECK(leaf.grad().equal(expected));
  }
}

}  // namespace

CHECK_MAIN()
