#include "lagrangian/backward.h"

#include <torch/csrc/autograd/forward_grad.h>
#include <torch/torch.h>

#include "check.h"

namespace {

using at::Tensor;

/// The roots of a graph over the leaves; called twice, for two graphs alike.
using Graph = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

/// The elements, whatever holds them.
Tensor elements(const Tensor& t) {
  if (t._is_zerotensor()) return at::zeros(t.sizes(), t.options());
  return t.is_sparse() ? t.to_dense() : t;
}

/// Whether the pass gives the leaves what LibTorch's engine gives them, bit for bit.
bool agrees(const std::vector<Tensor>& values, const Graph& graph) {
  std::vector<std::vector<Tensor>> gradients;
  for (bool engine : {true, false}) {
    std::vector<Tensor> leaves;
    for (const Tensor& value : values) {
      leaves.push_back(value.clone().requires_grad_(value.is_floating_point()));
    }
    std::vector<Tensor> roots = graph(leaves);
    std::vector<Tensor> weights;
    double weight = 1;
    for (const Tensor& root : roots) weights.push_back(at::full_like(root, weight /= -1.5));
    if (engine) {
      torch::autograd::backward(roots, weights);
    } else {
      cooper4j::backward(roots, weights);
    }
    gradients.emplace_back();
    for (const Tensor& leaf : leaves) gradients.back().push_back(leaf.grad());
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const Tensor& expected = gradients[0][i];
    const Tensor& found = gradients[1][i];
    if (expected.defined() != found.defined()) return false;
    if (!expected.defined()) continue;
    if (expected.layout() != found.layout() || expected.dtype() != found.dtype()) return false;
    if (!elements(expected).equal(elements(found))) return false;
  }
  return true;
}

Tensor vector(int64_t n) { return at::randn({n}, at::kDouble); }

TEST(a_pass_is_the_engines_for_graphs_of_every_shape) {
  at::manual_seed(0);
  const std::vector<Graph> graphs = {
      [](auto& x) {
        return std::vector<Tensor>{x[0].square().sum(), x[0][1], x[0][-1] * 2, x[0][1]};
      },
      [](auto& x) { return std::vector<Tensor>{x[0].sum(), x[0]}; },
      [](auto& x) {
        return std::vector<Tensor>{(x[0].unsqueeze(1) + x[1]).exp().mean(), x[1].sum()};
      },
      [](auto& x) {
        const auto parts = x[0].view({2, 3}).unbind(1);
        return std::vector<Tensor>{parts[0] * parts[2], parts[0].sum(), parts[1].select(0, 1)};
      },
      [](auto& x) {
        const Tensor table = x[0].view({2, 3});
        return std::vector<Tensor>{table.select(1, 2), table.select(0, -1), table.exp(),
                                   table[1][0]};
      },
      [](auto& x) {
        Tensor written = x[0] * 1;
        written.slice(0, 1, 4).mul_(x[1].select(0, 0));
        return std::vector<Tensor>{written.sin(), written.select(0, 2)};
      },
      [](auto& x) {
        return std::vector<Tensor>{std::get<0>(x[0].sort()).select(0, 0), x[0].max()};
      },
      [](auto& x) {
        return std::vector<Tensor>{x[0].to(at::kFloat).sum(), x[0].select(0, 0).to(at::kFloat)};
      },
      [](auto& x) { return std::vector<Tensor>{x[0].detach().sum() * x[1].sum()}; },
      [](auto& x) {
        return std::vector<Tensor>{x[0].index_select(0, at::tensor({0, 0, 3})), x[0][3]};
      },
  };
  for (const Graph& graph : graphs) CHECK(agrees({vector(6), vector(3)}, graph));
}

TEST(a_pass_is_the_engines_for_random_graphs) {
  for (int seed = 0; seed < 300; ++seed) {
    CHECK(agrees(
        {vector(4), vector(4), vector(1), vector(700)}, [seed](const std::vector<Tensor>& leaves) {
          at::manual_seed(seed);
          std::vector<Tensor> nodes = leaves;
          const auto any = [&nodes] {
            return nodes[at::randint(static_cast<int64_t>(nodes.size()), {1}).item<int64_t>()];
          };
          while (nodes.size() < 20) {
            const Tensor a = any();
            const Tensor b = any();
            switch (at::randint(7, {1}).item<int64_t>()) {
              case 0:
                nodes.push_back(a.sum() + b);
                break;
              case 1:
                nodes.push_back(a * b.mean());
                break;
              case 2:
                nodes.push_back(a.tanh());
                break;
              case 3:
                nodes.push_back(1 - a);
                break;
              case 4:
                nodes.push_back(a.dim() == 0 ? a.exp() : a.select(0, -1));
                break;
              case 5:
                nodes.push_back(at::cat({a.reshape(-1), b.reshape(-1)}));
                break;
              default:
                nodes.push_back(a.sizes() == b.sizes() ? a - b : a.relu());
            }
          }
          return std::vector<Tensor>(nodes.end() - 5, nodes.end());
        }));
  }
}

bool splits(const Tensor& root) {
  cooper4j::forget_graphs();
  cooper4j::backward({root}, {at::ones_like(root)});
  return cooper4j::graphs_split();
}

TEST(graphs_split_from_the_grain_size_on_and_with_convolutions) {
  const Tensor grain = at::ones({32768}).requires_grad_();
  const Tensor more = at::ones({32769}).requires_grad_();
  CHECK(!splits(grain.square().sum()));
  CHECK(splits(more.square().sum()));
  CHECK(splits(grain.sum() + more.sum()));
  CHECK(!splits((more.detach() * grain[0]).detach().sum() + grain[0]));  // more has no gradient

  const Tensor kernel = at::ones({1, 1, 3, 3}).requires_grad_();
  CHECK(splits(at::conv2d(at::ones({1, 1, 4, 4}), kernel).sum()));

  const Tensor hooked = at::ones({1}).requires_grad_();
  hooked.register_hook([](const Tensor& gradient) { return gradient * 2; });
  CHECK(splits(hooked.square()));  // the engine's

  cooper4j::backward({grain.sum()}, {at::ones({})});
  CHECK(cooper4j::graphs_split());  // until it is forgotten
  cooper4j::forget_graphs();
  CHECK(!cooper4j::graphs_split());
}

TEST(sparse_and_dense_gradients_of_a_leaf_add_up_in_any_order) {
  const auto lookup = [](const Tensor& table, std::vector<int64_t> rows) {
    return at::embedding(table, at::tensor(rows), -1, false, /*sparse=*/true);
  };
  const auto graph = [&lookup](bool sparse_first) {
    return [&lookup, sparse_first](const std::vector<Tensor>& x) {
      std::vector<Tensor> roots;
      if (sparse_first) roots.push_back(lookup(x[0], {0, 2, 2}));
      roots.push_back(x[0].select(0, 1));
      roots.push_back(x[0].exp());
      roots.push_back(lookup(x[0], {1}));
      if (!sparse_first) roots.push_back(x[0].select(1, 0));
      return roots;
    };
  };
  const Tensor table = at::randn({3, 2}, at::kDouble);
  for (bool sparse_first : {true, false}) CHECK(agrees({table}, graph(sparse_first)));
  const Tensor x = table.clone().requires_grad_(true);
  cooper4j::backward({lookup(x, {0, 0})}, {at::ones({2, 2}, at::kDouble)});
  CHECK(x.grad().is_sparse());
}

TEST(gradients_add_to_what_a_leaf_has) {
  const Tensor x = vector(3).requires_grad_(true);
  for (int i = 0; i < 2; ++i)
    cooper4j::backward({x.select(0, 1), x.sum()},
                       {at::ones({}, at::kDouble), at::ones({}, at::kDouble)});
  CHECK(x.grad().equal(at::tensor({2.0, 4.0, 2.0})));
}

TEST(hooks_and_retained_gradients_get_what_the_engine_gives_them) {
  const Tensor x = vector(3).requires_grad_(true);
  const Tensor y = x * 2;
  y.retain_grad();
  int called = 0;
  x.register_hook([&called](const Tensor& gradient) { ++called, static_cast<void>(gradient); });
  cooper4j::backward({y.sum()}, {at::ones({}, at::kDouble)});
  CHECK(called == 1);
  CHECK(y.grad().equal(at::ones({3}, at::kDouble)));
}

TEST(a_graph_is_freed_by_the_pass) {
  const Tensor x = vector(3).requires_grad_(true);
  const Tensor root = x.exp().sum();
  cooper4j::backward({root}, {at::ones({}, at::kDouble)});
  CHECK_THROWS(cooper4j::backward({root}, {at::ones({}, at::kDouble)}), "second time");
}

/// The identity, whose gradient is what `make` makes of the one that arrives.
struct Replaced : torch::autograd::Function<Replaced> {
  using Make = Tensor (*)(const Tensor&);

  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x, Make make) {
    context->saved_data["make"] = reinterpret_cast<int64_t>(make);
    return x * 1;
  }
  static std::vector<Tensor> backward(torch::autograd::AutogradContext* context,
                                      std::vector<Tensor> gradients) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    const auto make = reinterpret_cast<Make>(context->saved_data["make"].toInt());
    return {make(gradients[0]), Tensor()};
  }
};

Tensor zero(const Tensor& t) { return at::_efficientzerotensor(t.sizes(), t.options()); }
Tensor undefined(const Tensor&) { return {}; }
Tensor negated(const Tensor& t) { return at::_neg_view(t); }
Tensor expanded(const Tensor& t) { return at::full({}, 2, t.options()).expand(t.sizes()); }
Tensor sparse(const Tensor& t) { return t.to_sparse(); }
Tensor single(const Tensor& t) { return t.to(at::kFloat); }

TEST(gradients_of_every_kind_are_summed_as_the_engine_does) {
  const std::vector<Replaced::Make> makes = {zero, undefined, negated, expanded, sparse, single};
  for (const int64_t n : {1, 3, 700}) {  // one element, a plain loop's, too many for one
    for (const auto first : makes) {
      CHECK(agrees({vector(n)},
                   [&](auto& x) { return std::vector<Tensor>{Replaced::apply(x[0], first)}; }));
      for (const auto second : makes) {
        CHECK(agrees({vector(n)}, [&](auto& x) {
          // Into a node and into a leaf, before and after a plain one.
          const Tensor y = x[0] * 2;
          return std::vector<Tensor>{Replaced::apply(y, first),    Replaced::apply(y, second),
                                     Replaced::apply(x[0], first), y.exp(),
                                     Replaced::apply(y, second),   x[0].exp(),
                                     Replaced::apply(x[0], second)};
        }));
        CHECK(agrees({vector(n)}, [&](auto& x) {
          const Tensor y = Replaced::apply(x[0] * 2, first);
          return std::vector<Tensor>{y[0], Replaced::apply(y, second), y.select(0, -1),
                                     Replaced::apply(y[0], second == sparse ? zero : second)};
        }));
      }
    }
  }
}

TEST(complex_and_conjugated_gradients_are_the_engines) {
  const Tensor values = at::randn({4}, at::kComplexDouble);
  std::vector<Tensor> found;
  for (const bool engine : {true, false}) {
    const Tensor x = values.clone().requires_grad_(true);
    const std::vector<Tensor> roots = {at::real(x * x.conj()).sum(), at::imag(x[1] * x[2]),
                                       x.abs().sum()};
    const std::vector<Tensor> weights(3, at::ones({}, at::kDouble));
    engine ? torch::autograd::backward(roots, weights) : cooper4j::backward(roots, weights);
    found.push_back(x.grad());
  }
  CHECK(found[0].equal(found[1]));
}

TEST(a_pass_inside_of_forward_mode_is_the_engines) {
  const uint64_t level = torch::autograd::ForwardADLevel::get_next_idx();
  CHECK(agrees({vector(3), vector(3)}, [](auto& x) {
    const Tensor a = at::_make_dual(x[0], at::tensor({1.0, 0.0, 2.0}), 0);
    const Tensor b = a * x[1];  // whose tangent along x[1] is a zero tensor
    return std::vector<Tensor>{b.pow(3).sum(), b[0] * a[2], a.max(), b};
  }));
  torch::autograd::ForwardADLevel::release_idx(level);
}

TEST(a_leaf_of_another_gradient_dtype_gets_it) {
  for (const bool engine : {true, false}) {
    const Tensor x = vector(3).requires_grad_(true);
    x.set_grad_dtype(at::kFloat);
    const std::vector<Tensor> roots = {x[1], x.select(0, 2)};
    const std::vector<Tensor> weights(2, at::ones({}, at::kDouble));
    engine ? torch::autograd::backward(roots, weights) : cooper4j::backward(roots, weights);
    CHECK(x.grad().scalar_type() == at::kFloat);
    const Tensor leaf = vector(3).requires_grad_(true);
    leaf.set_grad_dtype(at::kFloat);
    const std::vector<Tensor> weight = {at::ones({3}, at::kDouble)};
    engine ? torch::autograd::backward({leaf}, weight) : cooper4j::backward({leaf}, weight);
    CHECK(leaf.grad().scalar_type() == at::kFloat);
  }
}

TEST(a_graph_on_another_device_goes_to_the_engine) {
  const Tensor x = at::ones({3}, at::kMeta).requires_grad_(true);
  cooper4j::backward({x[0] + x.sum()}, {at::ones({}, at::kMeta)});
  CHECK(x.grad().is_meta() && x.grad().size(0) == 3);
}

struct Counting : torch::autograd::PostAccumulateGradHook {
  explicit Counting(int* count) : count(count) {}
  void operator()(const torch::autograd::Variable&) override { ++*count; }
  int* count;
};

TEST(hooks_of_leaves_are_called) {
  const Tensor x = vector(3).requires_grad_(true);
  int before = 0;
  int after = 0;
  x.register_hook([&before](const Tensor& gradient) { return ++before, gradient * 2; });
  torch::autograd::impl::set_post_acc_grad_hooks(x, std::make_unique<Counting>(&after));
  cooper4j::backward({x.sum(), x[0]}, {at::ones({}, at::kDouble), at::ones({}, at::kDouble)});
  CHECK(x.grad().equal(at::tensor({4.0, 2.0, 2.0})));
  CHECK_EQ(1, before);
  CHECK_EQ(1, after);
}

struct Doubling : torch::autograd::Function<Doubling> {
  static Tensor forward(torch::autograd::AutogradContext*, const Tensor& x) { return x * 2; }
  static std::vector<Tensor> backward(torch::autograd::AutogradContext*,
                                      std::vector<Tensor> gradients) {
    // A backward pass inside of a node, as checkpointing does it.
    const Tensor inner = gradients[0].detach().requires_grad_(true);
    at::AutoGradMode enabled(true);
    torch::autograd::backward({inner.square().sum()});
    return {inner.grad()};
  }
};

TEST(a_node_of_the_users_own_may_run_a_pass_itself) {
  const Tensor x = vector(3).requires_grad_(true);
  cooper4j::backward({Doubling::apply(x).sum()}, {at::full({}, 3, at::kDouble)});
  CHECK(x.grad().equal(at::full({3}, 6, at::kDouble)));
}

}  // namespace

CHECK_MAIN()
