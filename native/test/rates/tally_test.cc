#include "rates/tally.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <cmath>
#include <utility>
#include <vector>

#include "check.h"

namespace {

using cooper4j::rates::Examples;
using cooper4j::rates::Input;
using cooper4j::rates::Tally;

const Tally kTallies[] = {
    {{1, 1}, {0, 0}, {1, 1}},   // predicted positive
    {{1, -1}, {0, 1}, {1, 1}},  // wrong
    {{0, 1}, {0, 0}, {0, 1}},   // true positives
    {{-1, 0}, {1, 0}, {1, 0}},  // true negatives
};

Examples examples(int groups, bool weighted) {
  constexpr int64_t kRows = 40;
  Examples found;
  found.truth = at::rand({kRows}).gt(0.5).to(at::kDouble);
  if (weighted) found.weights = at::rand({kRows}, at::kDouble);
  if (groups == 1) found.groups = at::randint(3, {kRows}, at::kLong);
  if (groups == 2) found.groups = at::rand({3, kRows}, at::kDouble);
  found.size = groups == 0 ? 0 : 3;
  return found;
}

/// What tensor operations give, for which BFloat16 has no loops.
at::Tensor by_tensors(const at::Tensor& x, Input input, const Examples& examples,
                      const Tally& tally) {
  return cooper4j::rates::sums(x.to(at::kBFloat16), input, examples, tally);
}

bool near(const at::Tensor& a, const at::Tensor& b, double tolerance = 1e-12) {
  return a.sizes() == b.sizes() && at::allclose(a, b, tolerance, tolerance, true);
}

TEST(plain_memory_and_views_are_checked_alike) {
  for (const auto dtype : {at::kFloat, at::kDouble}) {
    const auto both = [dtype](std::vector<double> values) {
      const at::Tensor plain = at::tensor(values, at::kDouble).to(dtype);
      const at::Tensor view = at::stack({plain, plain}, 1).select(1, 0);
      return std::pair<at::Tensor, at::Tensor>(plain, view);
    };
    const double nan = std::nan("");
    for (const auto& values : {std::vector<double>{}, {0, 1, 1}, {0, 0.5}, {1, nan}, {-1}}) {
      const auto [plain, view] = both(values);
      const at::Tensor of_plain = cooper4j::rates::binary_labels(plain);
      const at::Tensor of_view = cooper4j::rates::binary_labels(view);
      CHECK(of_plain.defined() == of_view.defined());
      CHECK(!of_plain.defined() || of_plain.equal(plain.to(at::kDouble)));
      CHECK(of_plain.defined() == (values.size() != 2 && values != std::vector<double>{-1}));
      const bool has_nan = values.size() == 2 && std::isnan(values[1]);
      CHECK(cooper4j::rates::has_nan(plain) == has_nan);
      CHECK(cooper4j::rates::has_nan(view) == has_nan);
    }
  }
  for (const auto& values : {std::vector<int64_t>{}, {0, 2, 1}, {0, 3}, {-1, 0}}) {
    const at::Tensor plain = at::tensor(values, at::kLong);
    const at::Tensor view = at::stack({plain, plain}, 1).select(1, 0);
    const bool good = values.size() != 2;
    CHECK(cooper4j::rates::group_codes(plain, 3).defined() == good);
    CHECK(cooper4j::rates::group_codes(view, 3).defined() == good);
  }
}

TEST(loops_give_what_tensor_operations_do) {
  for (const Tally& tally : kTallies) {
    for (int groups = 0; groups < 3; ++groups) {
      for (const bool weighted : {false, true}) {
        const Examples who = examples(groups, weighted);
        // BFloat16 holds these eighths.
        const at::Tensor x = at::randint(-4, 5, {40}, at::kDouble) / 8;
        for (const Input input : {Input::kScores, Input::kShares}) {
          for (const auto dtype : {at::kFloat, at::kDouble}) {
            CHECK(near(cooper4j::rates::sums(x.to(dtype), input, who, tally),
                       by_tensors(x, input, who, tally)));
          }
        }
      }
    }
  }
}

TEST(gradients_are_those_of_differences) {
  for (const Tally& tally : kTallies) {
    for (int groups = 0; groups < 3; ++groups) {
      const Examples who = examples(groups, true);
      const at::Tensor x = at::rand({40}, at::kDouble).requires_grad_(true);
      const auto of = [&](const at::Tensor& at) {
        return cooper4j::rates::quotients(at, Input::kSurrogate, who, tally, at::kDouble);
      };
      const at::Tensor direction = at::rand({40}, at::kDouble);
      const at::Tensor rate = of(x);
      const at::Tensor weights = at::rand(rate.sizes(), at::kDouble);
      const at::Tensor gradient = torch::autograd::grad({(rate * weights).sum()}, {x})[0];
      const at::Tensor change =
          ((of(x + 1e-3 * direction) - of(x - 1e-3 * direction)) * weights).sum() / 2e-3;
      CHECK(near((gradient * direction).sum(), change.detach(), 1e-9));
      const at::Tensor again =
          torch::autograd::grad({(of(x) * weights).sum()}, {x}, {}, /*retain_graph=*/true, /*create_graph=*/true)[0];
      CHECK(near(again.detach(), gradient));
    }
  }
}

TEST(nobody_is_nan_as_a_value_and_zero_as_a_surrogate) {
  Examples who = examples(1, false);
  who.groups.zero_();
  const at::Tensor x = at::rand({40}).requires_grad_(true);
  const at::Tensor value =
      cooper4j::rates::quotients(x, Input::kScores, who, kTallies[2], at::kFloat);
  const at::Tensor surrogate =
      cooper4j::rates::quotients(x, Input::kSurrogate, who, kTallies[2], at::kFloat);
  CHECK(value.isnan().to(at::kInt).equal(torch::tensor({0, 1, 1}, at::kInt)));
  CHECK(!value.requires_grad() && surrogate.requires_grad());
  CHECK(surrogate.select(0, 1).item<float>() == 0);
  surrogate.sum().backward();
  CHECK(x.grad().isfinite().all().item<bool>());
}

TEST(what_was_changed_since_it_was_checked_is_refused) {
  Examples who = examples(1, false);
  const at::Tensor x = at::rand({40}).requires_grad_(true);
  const at::Tensor rate =
      cooper4j::rates::quotients(x, Input::kSurrogate, who, kTallies[0], at::kFloat);
  who.groups.fill_(1'000'000'000);
  CHECK_THROWS(cooper4j::rates::sums(x, Input::kScores, who, kTallies[0]), "group code");
  CHECK_THROWS((rate.sum().backward(), 0), "group code");
  who.groups.fill_(-1);
  CHECK_THROWS(cooper4j::rates::sums(x, Input::kScores, who, kTallies[0]), "");
  who.groups = who.groups.narrow(0, 0, 7);
  CHECK_THROWS(cooper4j::rates::sums(x, Input::kScores, who, kTallies[0]), "");
}

TEST(labels_and_codes_are_checked) {
  CHECK(cooper4j::rates::binary_labels(torch::tensor({0, 1, 1})).dtype() == at::kDouble);
  CHECK(cooper4j::rates::binary_labels(torch::tensor({true, false})).defined());
  CHECK(!cooper4j::rates::binary_labels(torch::tensor({0.0, 0.5})).defined());
  CHECK(!cooper4j::rates::binary_labels(torch::tensor({0.0, std::nan("")})).defined());
  CHECK(cooper4j::rates::group_codes(torch::tensor({0.0, 2.0}), 3).dtype() == at::kLong);
  CHECK(!cooper4j::rates::group_codes(torch::tensor({0, 3}), 3).defined());
  CHECK(!cooper4j::rates::group_codes(torch::tensor({-1, 0}), 3).defined());
  CHECK(!cooper4j::rates::group_codes(torch::tensor({0.5, 0.0}), 3).defined());
  CHECK(cooper4j::rates::group_codes(at::empty({0}), 3).defined());
  CHECK(cooper4j::rates::has_nan(torch::tensor({0.0, std::nan(""), 1.0})));
  CHECK(!cooper4j::rates::has_nan(torch::tensor({0.0, HUGE_VAL})));
  CHECK(!cooper4j::rates::has_nan(at::empty({0})));
}

}  // namespace

CHECK_MAIN()
