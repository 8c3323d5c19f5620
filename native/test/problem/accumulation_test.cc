#include <ATen/ATen.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>

#include "check.h"
#include "cooper4j/cooper4j.h"

namespace {

using namespace cooper4j;

at::Tensor doubles(std::vector<double> values) { return at::tensor(values, at::kDouble); }

/// Seven samples; the rows that an indexed multiplier has for them.
const at::Tensor kSamples =
    doubles({1, 0.5, -2, 1.5, 0.25, -1, 3, 2, -0.5, 0.75, 1.5, -2.5, 2, 2}).view({7, 2});
const at::Tensor kRows = at::tensor({0, 2, 2, 1, 0, 3, 2}, at::kLong);

/// A mean, a proxy of it, and rows, in a formulation.
struct Problem : ConstrainedMinimizationProblem {
  explicit Problem(Formulation formulation)
      : mean(add("mean", ConstraintType::kInequality, formulation)),
        proxy(add("proxy", ConstraintType::kEquality, formulation)),
        rows(add("rows", ConstraintType::kInequality, formulation)) {}

  Constraint& add(const std::string& name, ConstraintType type, Formulation formulation) {
    const bool indexed = name == "rows";
    std::shared_ptr<Multiplier> multiplier;
    if (indexed) {
      multiplier = std::make_shared<IndexedMultiplier>(doubles({0.5, 0.25, 1, 2}));
    } else {
      multiplier = std::make_shared<DenseMultiplier>(doubles({0.5}));
    }
    if (formulation == Formulation::kLagrangian)
      return register_constraint(name, {type, multiplier});
    std::shared_ptr<PenaltyCoefficient> penalty;
    if (indexed) {
      penalty = std::make_shared<IndexedPenaltyCoefficient>(doubles({1, 2, 3, 4}));
    } else {
      penalty = std::make_shared<DensePenaltyCoefficient>(doubles({3}));
    }
    return register_constraint(name, Constraint(type, formulation, multiplier, penalty));
  }

  CMPState of(int64_t from, int64_t to) const {
    const at::Tensor score = kSamples.slice(0, from, to).mv(x);
    ConstraintState strict;
    strict.violation = score.sigmoid().mean() - 0.4;
    strict.strict_violation = score.detach().gt(0).to(at::kDouble).mean() - 0.4;
    ConstraintState each;
    each.violation = score.square() - 1;
    each.constraint_features = kRows.slice(0, from, to);
    CMPState state(score.exp().mean());
    state.observe(mean, score.mean() - 0.1).observe(proxy, strict).observe(rows, each);
    state.misc["score"] = score.detach().mean();
    state.samples = to - from;
    return state;
  }

  at::Tensor x = doubles({0.3, -0.2}).requires_grad_(true);
  Constraint& mean;
  Constraint& proxy;
  Constraint& rows;
};

struct Run {
  explicit Run(Formulation formulation) : problem(formulation) {}

  Problem problem;
  torch::optim::Adam primal{{problem.x}, torch::optim::AdamOptions(0.05)};
  torch::optim::SGD dual{problem.dual_parameters(), torch::optim::SGDOptions(0.1)};
  SimultaneousOptimizer optimizer{problem, primal, dual};
};

/// The parts of the batch: of unequal sizes.
const std::vector<int64_t> kEnds = {0, 3, 4, 7};

bool close(const at::Tensor& a, const at::Tensor& b) { return at::allclose(a, b, 0, 1e-12); }

}  // namespace

TEST(micro_batches_roll_as_the_whole_batch_in_every_formulation) {
  for (auto formulation : {Formulation::kLagrangian, Formulation::kAugmentedLagrangian}) {
    Run whole(formulation);
    Run parts(formulation);
    for (int step = 0; step < 5; ++step) {
      const RollValues expected =
          whole.optimizer.roll([&] { return whole.problem.of(0, 7); }).values();
      const RollValues found =
          parts.optimizer
              .roll_accumulated(kEnds.size() - 1,
                                [&](size_t i) { return parts.problem.of(kEnds[i], kEnds[i + 1]); })
              .values();
      CHECK(close(parts.problem.x, whole.problem.x));
      for (size_t k = 0; k < 3; ++k) {
        CHECK(close(parts.problem.dual_parameters()[k], whole.problem.dual_parameters()[k]));
      }
      CHECK(std::abs(*found.loss - *expected.loss) < 1e-12);
      CHECK(std::abs(found.misc.at("score") - expected.misc.at("score")) < 1e-12);
      CHECK_EQ(expected.violations.at("rows").size(), found.violations.at("rows").size());
      CHECK(std::abs(found.strict_violations.at("proxy")[0] -
                     expected.strict_violations.at("proxy")[0]) < 1e-12);
    }
  }
}

TEST(parts_without_samples_do_not_count) {
  Run whole(Formulation::kLagrangian);
  Run parts(Formulation::kLagrangian);
  whole.optimizer.roll([&] { return whole.problem.of(0, 7); });
  const std::vector<int64_t> ends = {0, 0, 7, 7};  // means over none are NaN
  parts.optimizer.roll_accumulated(
      3, [&](size_t i) { return parts.problem.of(ends[i], ends[i + 1]); });
  CHECK(close(parts.problem.x, whole.problem.x));
}

TEST(a_part_is_evaluated_again_with_the_random_numbers_that_it_had) {
  at::Tensor x = at::ones({1000}, at::kDouble).requires_grad_(true);
  ConstrainedMinimizationProblem problem;
  torch::optim::SGD primal({x}, 1);
  SimultaneousOptimizer optimizer(problem, {&primal}, {});
  at::manual_seed(0);
  std::vector<at::Tensor> masks;
  optimizer.roll_accumulated(2, [&](size_t) {
    masks.push_back(at::bernoulli(at::full({1000}, 0.5, at::kDouble)));
    return CMPState((x * masks.back()).sum());
  });
  CHECK_EQ(size_t{4}, masks.size());
  CHECK(masks[0].equal(masks[2]));
  CHECK(masks[1].equal(masks[3]));
  CHECK(!masks[0].equal(masks[1]));
  CHECK(close(x, 1 - (masks[0] + masks[1]) / 2));
}

TEST(parts_that_do_not_fit_together_are_named_and_move_nothing) {
  Run run(Formulation::kLagrangian);
  const auto roll = [&](const std::function<void(CMPState&)>& change) {
    run.optimizer.roll_accumulated(2, [&](size_t i) {
      CMPState state = run.problem.of(0, 3);
      if (i == 1) change(state);
      return state;
    });
  };
  CHECK_THROWS(roll([](CMPState& state) { state.loss.reset(); }), "one has a loss");
  CHECK_THROWS(roll([](CMPState& state) { state.samples.reset(); }), "1 of 2 micro-batches said");
  CHECK_THROWS(roll([](CMPState& state) {
                 state.observed_constraints.erase(state.observed_constraints.begin());
               }),
               "constraint 'mean', micro-batches 0 and 1: it was not observed there");
  CHECK_THROWS(
      roll([](CMPState& state) { state.observed_constraints[1].second.strict_violation.reset(); }),
      "constraint 'proxy', micro-batches 0 and 1: strict violations");
  CHECK_THROWS(roll([](CMPState& state) {
                 auto& violation = state.observed_constraints[0].second.violation;
                 violation = violation.expand({2});
               }),
               "constraint 'mean', micro-batches 0 and 1: its violation has another shape");
  CHECK_THROWS(roll([](CMPState& state) {
                 state.observed_constraints.push_back(state.observed_constraints[0]);
               }),
               "it was observed twice");
  CHECK_THROWS((run.optimizer.roll_accumulated(0, [&](size_t) { return run.problem.of(0, 7); }), 0),
               "no micro-batch was given");
  CHECK_THROWS((run.optimizer.roll_accumulated(2, [&](size_t) { return run.problem.of(0, 0); }), 0),
               "no samples at all");
  CHECK(run.problem.x.equal(doubles({0.3, -0.2})));
}

CHECK_MAIN()
