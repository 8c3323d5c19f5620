#include "cooper4j/problem.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>

#include <cmath>
#include <filesystem>

#include "check.h"
#include "cooper4j/cooper4j.h"

namespace {

using namespace cooper4j;

at::Tensor variable(std::vector<double> values) {
  return at::tensor(values, at::kDouble).requires_grad_(true);
}

std::shared_ptr<DenseMultiplier> dense(int64_t n) {
  return std::make_shared<DenseMultiplier>(n, at::kDouble);
}

/// min x² + y² s.t. x + y = 1 and x >= 0.6, whose solution is (0.6, 0.4) with μ = −0.8, λ = 0.4.
struct Small : ConstrainedMinimizationProblem {
  at::Tensor xy = variable({0, 0});
  Constraint& sum = register_constraint("sum", {ConstraintType::kEquality, dense(1)});
  Constraint& bound = register_constraint("bound", {ConstraintType::kInequality, dense(1)});

  CMPState compute_cmp_state() const {
    return CMPState(xy.square().sum()).observe(sum, xy.sum() - 1).observe(bound, 0.6 - xy[0]);
  }
};

struct Run {
  Small problem;
  torch::optim::SGD primal{{problem.xy}, torch::optim::SGDOptions(0.05).momentum(0.5)};
  torch::optim::SGD dual{problem.dual_parameters(), torch::optim::SGDOptions(0.1).momentum(0.1)};
  SimultaneousOptimizer optimizer{problem, primal, dual};

  RollOut roll() {
    return optimizer.roll([&] { return problem.compute_cmp_state(); });
  }
};

bool near(const at::Tensor& tensor, std::vector<double> values, double tolerance = 1e-3) {
  return at::allclose(tensor.detach(), at::tensor(values, at::kDouble), 0, tolerance);
}

}  // namespace

TEST(simultaneous_updates_find_the_solution_and_its_multipliers) {
  Run run;
  for (int i = 0; i < 3000; ++i) run.roll();
  CHECK(near(run.problem.xy, {0.6, 0.4}));
  CHECK(near(run.problem.multipliers()[0]->parameters()[0], {-0.8}, 1e-2));
  CHECK(near(run.problem.multipliers()[1]->parameters()[0], {0.4}, 1e-2));
}

TEST(a_roll_reports_the_point_before_its_steps) {
  Run run;
  const RollOut first = run.roll();
  CHECK_EQ(0.0, first.state.loss.item<double>());
  CHECK_EQ(0.0, first.factors(run.problem.bound).multiplier.item<double>());
  const double moved = run.problem.bound.multiplier()->parameters()[0].item<double>();
  const RollOut second = run.roll();
  CHECK_EQ(moved, second.factors(run.problem.bound).multiplier.item<double>());
  CHECK_EQ(second.state.observed_constraints[1].second.violation.item<double>() * moved +
               second.state.observed_constraints[0].second.violation.item<double>() *
                   second.factors(run.problem.sum).multiplier.item<double>(),
           second.evaluation.lagrangian(Side::kDual).item<double>());
}

TEST(a_roll_gives_its_numbers_by_name) {
  at::Tensor x = variable({2, 3});
  ConstrainedMinimizationProblem problem;
  const Constraint& norm = problem.register_constraint(
      "norm", {ConstraintType::kInequality, Formulation::kAugmentedLagrangian,
               std::make_shared<DenseMultiplier>(at::tensor({0.1}, at::kDouble)),
               std::make_shared<DensePenaltyCoefficient>(at::tensor({7.0}, at::kDouble))});
  const Constraint& both = problem.register_constraint(
      "both", {ConstraintType::kEquality,
               std::make_shared<DenseMultiplier>(at::tensor({0.5, -0.5}, at::kDouble))});
  torch::optim::SGD primal({x}, 0.5);
  torch::optim::SGD dual(problem.dual_parameters(), 0.5);
  SimultaneousOptimizer optimizer(problem, primal, dual);
  const RollValues values = optimizer
                                .roll([&] {
                                  CMPState state(x.square().sum());
                                  state.misc["half"] = at::tensor(0.5F);
                                  state.misc["wide"] = at::ones(2);
                                  state.misc["none"] = at::Tensor();
                                  ConstraintState proxy;
                                  proxy.violation = x.sum() - 1;
                                  proxy.strict_violation = x.detach().sum() - 9;
                                  return state.observe(both, x - 1).observe(norm, proxy);
                                })
                                .values();
  CHECK_EQ(13.0, values.loss.value());
  CHECK((values.violations == RollValues::Named{{"both", {1, 2}}, {"norm", {4}}}));
  CHECK((values.strict_violations == RollValues::Named{{"norm", {-4}}}));
  CHECK((values.multipliers == RollValues::Named{{"both", {0.5, -0.5}}, {"norm", {0.1}}}));
  CHECK((values.penalty_coefficients == RollValues::Named{{"norm", {7}}}));
  CHECK((values.misc == std::map<std::string, double>{{"half", 0.5}}));
}

TEST(a_state_of_violations_alone_has_no_loss_among_its_numbers) {
  Run run;
  const RollValues values = run.optimizer
                                .roll([&] {
                                  ConstraintState dual_alone;
                                  dual_alone.violation = run.problem.xy[0] - 1;
                                  dual_alone.contributes_to_primal_update = false;
                                  return CMPState().observe(run.problem.bound, dual_alone);
                                })
                                .values();
  CHECK(!values.loss.has_value());
  CHECK((values.violations == RollValues::Named{{"bound", {-1}}}));
  CHECK((values.multipliers == RollValues::Named{{"bound", {0}}}));
}

TEST(hooks_change_the_gradients_of_the_steps_to_come) {
  Run run;
  run.optimizer.before_primal_step([](CMPState& state, const Optimizers& primal) {
    state.misc["norm"] = clip_grad_norm(primal, 1.0);
  });
  run.optimizer.before_primal_step(
      [](CMPState& state, const Optimizers& primal) { state.misc["clipped"] = grad_norm(primal); });
  run.optimizer.before_dual_step([](CMPState&, const Optimizers& dual) { scale_grad(dual, 0.5); });
  at::NoGradGuard no_grad;
  run.problem.xy.copy_(at::tensor({3.0, 4.0}, at::kDouble));
  at::AutoGradMode grad(true);
  const RollValues values = run.roll().values();
  CHECK(std::abs(values.misc.at("norm") - 10) < 1e-12);  // of 2x, with multipliers of 0
  CHECK(std::abs(values.misc.at("clipped") - 1) < 1e-6);
  CHECK(near(run.problem.xy, {3 - 0.05 * 0.6, 4 - 0.05 * 0.8}, 1e-6));
  CHECK(near(run.problem.sum.multiplier()->parameters()[0], {0.1 * 0.5 * 6}, 1e-12));
}

TEST(a_hook_that_throws_has_moved_nothing) {
  Run run;
  bool fails = true;
  run.optimizer.before_dual_step([&](CMPState&, const Optimizers&) {
    if (fails) throw std::runtime_error("no");
  });
  CHECK_THROWS(run.roll(), "no");
  CHECK(near(run.problem.xy, {0, 0}, 0));
  CHECK(near(run.problem.sum.multiplier()->parameters()[0], {0}, 0));
  fails = false;
  run.roll();
  CHECK(!near(run.problem.sum.multiplier()->parameters()[0], {0}, 0));
  CHECK_THROWS(run.optimizer.before_primal_step(nullptr), "the hook is empty");
}

TEST(the_pieces_make_other_schemes) {
  Run run;
  for (int i = 0; i < 3000; ++i) {
    const CMPState state = run.problem.compute_cmp_state();
    run.optimizer.zero_grad();
    state.evaluate(false, true).backward();
    run.optimizer.dual_step();
    state.evaluate(true, false).backward();
    run.optimizer.primal_step();
  }
  CHECK(near(run.problem.xy, {0.6, 0.4}));
}

TEST(a_penalty_that_grows_with_the_violation_makes_it_small) {
  ConstrainedMinimizationProblem problem;
  const at::Tensor x = variable({0});
  const auto penalty =
      std::make_shared<DensePenaltyCoefficient>(at::scalar_tensor(1.0, at::kDouble));
  const Constraint& bound = problem.register_constraint(
      "bound", {ConstraintType::kInequality, Formulation::kQuadraticPenalty, nullptr, penalty});
  torch::optim::SGD sgd({x}, torch::optim::SGDOptions(1e-3));
  SimultaneousOptimizer optimizer(problem, {&sgd}, {});
  PenaltyUpdate update;
  update.factor = 1.01;
  update.tolerance = 1e-2;
  for (int i = 0; i < 3000; ++i) {
    const RollOut out = optimizer.roll(
        [&] { return CMPState(x.square().sum()).observe(bound, (1 - x).squeeze()); });
    update_penalty(bound, out.state.observed_constraints[0].second, update);
  }
  CHECK(penalty->value().item<double>() > 50);
  CHECK(near(x, {1}, 2e-2));
}

TEST(an_indexed_multiplier_moves_where_it_is_observed) {
  ConstrainedMinimizationProblem problem;
  const at::Tensor x = variable({1, 2, 3});
  const auto table = std::make_shared<IndexedMultiplier>(at::full({5}, 0.5, at::kDouble));
  const Constraint& below =
      problem.register_constraint("below", {ConstraintType::kInequality, table});
  torch::optim::SGD primal({x}, torch::optim::SGDOptions(0.0));
  torch::optim::SGD dual(problem.dual_parameters(), torch::optim::SGDOptions(1.0));
  SimultaneousOptimizer optimizer(problem, primal, dual);
  optimizer.roll([&] {
    ConstraintState state{x - 2.0};
    state.constraint_features = at::tensor({4, 0, 2}, at::kLong);
    return CMPState(x.sum()).observe(below, state);
  });
  CHECK(near(table->weight().flatten(), {0.5, 0.5, 1.5, 0.5, 0}));
  CHECK(table->weight().grad().is_sparse());
}

TEST(an_implicit_multiplier_learns_through_its_module) {
  struct Affine : Multiplier {
    torch::nn::Linear linear = register_module("linear", torch::nn::Linear(1, 1));
    at::Tensor forward(const at::Tensor& features) override {
      return linear->forward(features).flatten();
    }
  };
  ConstrainedMinimizationProblem problem;
  const auto affine = std::make_shared<Affine>();
  const Constraint& h = problem.register_constraint("h", {ConstraintType::kEquality, affine});
  CMPState state(at::ones({}).requires_grad_(true).clone());
  ConstraintState observed{at::tensor({1.0F, 2.0F})};
  observed.constraint_features = at::tensor({3.0F, 4.0F}).unsqueeze(1);
  observed.contributes_to_primal_update = false;
  state.observe(h, observed).evaluate().backward();
  CHECK_EQ(-11.0, affine->linear->weight.grad().item<double>());
  CHECK_EQ(-3.0, affine->linear->bias.grad().item<double>());
  Document document;
  const Node saved = document.at(problem.state_dict(document), "multipliers");
  CHECK(document.find(document.at(saved, "h"), "linear.weight") != kNoNode);
}

TEST(a_run_that_is_saved_and_loaded_goes_on_bit_for_bit) {
  const auto path = std::filesystem::temp_directory_path() / "cooper4j_problem_test.pt";
  Run whole;
  for (int i = 0; i < 20; ++i) whole.roll();
  {
    Run first;
    for (int i = 0; i < 10; ++i) first.roll();
    Document document;
    const Node root = document.dict();
    document.put(root, "xy", add_tensor(document, first.problem.xy.detach()));
    document.put(root, "cmp", first.problem.state_dict(document));
    document.put(root, "optimizer", first.optimizer.state_dict(document));
    save(path, document, root);
  }
  Run second;
  Document document = load(path);
  second.problem.xy.detach().copy_(to_tensor(document, document.at(document.root(), "xy")));
  second.problem.load_state_dict(document, document.at(document.root(), "cmp"));
  second.optimizer.load_state_dict(document, document.at(document.root(), "optimizer"));
  for (int i = 0; i < 10; ++i) second.roll();
  std::filesystem::remove(path);
  CHECK(second.problem.xy.equal(whole.problem.xy));
  CHECK(second.problem.dual_parameters()[0].equal(whole.problem.dual_parameters()[0]));
  CHECK(second.problem.dual_parameters()[1].equal(whole.problem.dual_parameters()[1]));
}

TEST(a_module_is_saved_by_dotted_names_and_loaded_strictly) {
  struct Net : torch::nn::Module {
    at::Tensor scale = register_buffer("scale", at::ones({2}));
    torch::nn::Linear head = register_module("head", torch::nn::Linear(2, 1));
  };
  const auto from = std::make_shared<Net>();
  const auto into = std::make_shared<Net>();
  Document document;
  const Node state = state_dict(document, *from);
  CHECK_EQ(std::string("head.weight"), document.as_string(document.key(state, 1)));
  load_state_dict(*into, document, state);
  CHECK(into->head->weight.equal(from->head->weight));

  const Node other = document.ordered_dict();
  for (size_t i = 0; i < document.size(state); ++i) {
    const std::string name = "module." + document.as_string(document.key(state, i));
    document.put(other, name, document.value(state, i));
  }
  CHECK_THROWS((load_state_dict(*into, document, other), 0),
               "missing keys: scale, head.weight, head.bias; unexpected keys: module.scale");
  CHECK_THROWS((load_state_dict(*into, document, other), 0), "behind the prefix 'module.'");
  const Node stripped = without_prefix(document, other, "module.");
  load_state_dict(*into, document, stripped);
  document.put(stripped, "extra", add_tensor(document, at::ones({1})));
  CHECK_THROWS((load_state_dict(*into, document, stripped), 0), "unexpected keys: extra; expected");
  document.put(state, "head.bias", add_tensor(document, at::ones({7})));
  CHECK_THROWS((load_state_dict(*into, document, state), 0), "head.bias: expected Float [1]");
  document.put(state, "scale", document.integer(1));
  CHECK_THROWS((load_state_dict(*into, document, state), 0), "found a int");
  CHECK_THROWS((load_state_dict(*into, document, document.list()), 0), "found a list");
}

TEST(a_state_that_does_not_fit_changes_nothing) {
  Small problem;
  Document document;
  const Node state = problem.state_dict(document);
  const Node multipliers = document.at(state, "multipliers");
  const Node bound = document.ordered_dict();
  document.put(bound, "weight", add_tensor(document, at::full({1}, -1.0, at::kDouble)));
  const Node sum = document.ordered_dict();
  document.put(sum, "weight", add_tensor(document, at::full({1}, 7.0, at::kDouble)));
  document.put(multipliers, "sum", sum);
  document.put(multipliers, "bound", bound);
  CHECK_THROWS((problem.load_state_dict(document, state), 0),
               "multipliers.bound.a multiplier of an inequality has a negative entry");
  CHECK(near(problem.dual_parameters()[0], {0}));
  document.put(multipliers, "bound", sum);
  document.put(multipliers, "other", sum);
  CHECK_THROWS((problem.load_state_dict(document, state), 0), "the problem has no such constraint");
  CHECK_THROWS((problem.load_state_dict(document, document.dict()), 0), "multipliers: missing");
  Run run;
  CHECK_THROWS((run.optimizer.load_state_dict(document, document.dict()), 0),
               "primal_optimizer_states: expected 1 states, found 0");
}

TEST(a_penalty_state_of_python_has_no_init) {
  ConstrainedMinimizationProblem problem;
  const auto penalty = std::make_shared<IndexedPenaltyCoefficient>(at::tensor({1.0F, 2.0F}));
  problem.register_constraint(
      "g", {ConstraintType::kInequality, Formulation::kQuadraticPenalty, nullptr, penalty});
  Document document;
  const Node state = problem.state_dict(document);
  const Node value = document.dict();
  document.put(value, "value", add_tensor(document, at::tensor({3.0F, 4.0F})));
  document.put(document.at(state, "penalty_coefficients"), "g", value);
  problem.load_state_dict(document, state);
  CHECK(penalty->value().equal(at::tensor({3.0F, 4.0F})));
  CHECK(penalty->init().equal(at::tensor({1.0F, 2.0F})));
  for (const double bad : {std::nan(""), 1e300}) {
    CHECK_THROWS((penalty->set_value(at::full({2}, bad, at::kDouble)), 0), "NaN or infinite");
  }
  CHECK_THROWS(DenseMultiplier(at::full({2}, std::nan(""))), "NaN or infinite");
  CHECK_THROWS(IndexedMultiplier(at::full({2}, INFINITY)), "NaN or infinite");
  CHECK_THROWS((penalty->set_value(at::ones({3})), 0), "expected values of shape [2]");
}

/// Two optimizers over lists of parameters.
void wire(ConstrainedMinimizationProblem& problem, std::vector<std::vector<at::Tensor>> primal,
          std::vector<std::vector<at::Tensor>> dual) {
  std::vector<std::unique_ptr<torch::optim::SGD>> made;
  std::vector<torch::optim::Optimizer*> sides[2];
  for (const bool is_dual : {false, true}) {
    for (const auto& parameters : is_dual ? dual : primal) {
      made.push_back(std::make_unique<torch::optim::SGD>(parameters, 0.1));
      sides[is_dual ? 1 : 0].push_back(made.back().get());
    }
  }
  ConstrainedOptimizer(problem, sides[0], sides[1]);
}

TEST(every_variable_has_one_optimizer_and_every_multiplier_a_dual_one) {
  Small problem;
  Small other;
  const at::Tensor x = problem.xy;
  const at::Tensor y = variable({1, 2, 3});
  const auto dual = problem.dual_parameters();
  wire(problem, {{x}, {y}}, {{dual[0]}, {dual[1]}});

  const auto refused = [&](std::vector<std::vector<at::Tensor>> primals,
                           std::vector<std::vector<at::Tensor>> duals, const std::string& text) {
    CHECK_THROWS((wire(problem, primals, duals), 0), text);
  };
  refused({}, {dual}, "no primal optimizer was given");
  refused({{x}, {dual[1]}}, {{dual[0]}},
          "primal optimizer 1 (SGD) has the multiplier of constraint 'bound'");
  refused({{x}}, {dual, {y}}, "dual optimizer 1 (SGD) has a parameter float64[3] that is no");
  refused({{x}}, {dual, other.dual_parameters()}, "dual optimizer 1 (SGD) has a parameter");
  refused({{x}, {y, x}}, {dual}, "is in primal optimizer 0 (SGD) and in primal optimizer 1 (SGD)");
  refused({{x}}, {{dual[0]}, {dual[1], dual[0]}}, "is in dual optimizer 0 (SGD) and in dual");
  refused({{x}, {}}, {dual}, "primal optimizer 1 (SGD) has no parameters");
  refused({{x}}, {dual, {}}, "dual optimizer 1 (SGD) has no parameters");
  refused({{x}}, {{dual[0]}}, "no dual optimizer has the multiplier of constraint 'bound'");
  refused({{x}}, {}, "no dual optimizer has the multiplier of constraint 'sum'");
  torch::optim::SGD all({x}, 0.1);
  CHECK_THROWS(SimultaneousOptimizer(problem, all, all), "dual optimizer 0 (SGD) has a parameter");
  CHECK_THROWS(SimultaneousOptimizer(problem, {&all, nullptr}, {}), "primal optimizer 1 is null");

  dual[1].requires_grad_(false);
  wire(problem, {{x}}, {{dual[0]}});
}

TEST(a_frozen_multiplier_stays_as_it_is) {
  Run run;
  run.roll();
  const at::Tensor frozen = run.problem.dual_parameters()[1];
  const double before = frozen.item<double>();
  frozen.requires_grad_(false);
  torch::optim::SGD dual({run.problem.dual_parameters()[0]}, 0.1);
  SimultaneousOptimizer optimizer(run.problem, run.primal, dual);
  for (int i = 0; i < 5; ++i) {
    optimizer.roll([&] { return run.problem.compute_cmp_state(); });
  }
  CHECK_EQ(before, frozen.item<double>());
}

TEST(an_optimizer_that_takes_no_sparse_gradient_is_no_dual_one_of_a_table) {
  ConstrainedMinimizationProblem problem;
  problem.register_constraint(
      "rows", {ConstraintType::kInequality, std::make_shared<IndexedMultiplier>(3)});
  const at::Tensor x = variable({1});
  torch::optim::SGD primal({x}, 0.1);
  torch::optim::Adam adam(problem.dual_parameters(), torch::optim::AdamOptions(0.1));
  CHECK_THROWS(SimultaneousOptimizer(problem, primal, adam),
               "a dual Adam has the indexed multiplier of constraint 'rows'");
}

/// What a failing roll leaves: everything.
void moves_nothing(Run& run, const std::function<CMPState()>& state, const std::string& text) {
  for (int i = 0; i < 3; ++i) run.roll();
  std::vector<at::Tensor> variables = run.problem.dual_parameters();
  variables.push_back(run.problem.xy);
  std::vector<at::Tensor> before;
  for (const at::Tensor& variable : variables) before.push_back(variable.detach().clone());
  CHECK_THROWS(run.optimizer.roll(state), text);
  for (size_t i = 0; i < before.size(); ++i) CHECK(before[i].equal(variables[i]));
  run.roll();
  CHECK(!before.back().equal(run.problem.xy));
}

struct Failing : torch::autograd::Function<Failing> {
  static at::Tensor forward(torch::autograd::AutogradContext*, const at::Tensor& x) {
    return x * 1;
  }
  static std::vector<at::Tensor> backward(torch::autograd::AutogradContext*,
                                          std::vector<at::Tensor>) {
    throw std::runtime_error("the user's own node failed");
  }
};

TEST(a_roll_that_fails_moves_nothing) {
  Run run;
  const at::Tensor x = run.problem.xy;
  const Constraint& sum = run.problem.sum;
  const Constraint& bound = run.problem.bound;
  moves_nothing(run, [&] { return CMPState(x.sum() / 0); }, "the loss is NaN or infinite");
  moves_nothing(
      run, [&] { return CMPState(x.sum()).observe(sum, x[0] * NAN); },
      "constraint 'sum': violation is NaN or infinite");
  moves_nothing(run, [&] { return CMPState(x * 1); }, "the loss has shape [2]");
  moves_nothing(
      run, [&] { return CMPState(x.sum()).observe(bound, x - 1); },
      "constraint 'bound': violation has shape [2]");
  moves_nothing(run, [&] { return CMPState(x.sum().detach()); }, "the loss requires no grad");
  moves_nothing(
      run, [&] { return CMPState(x.sum()).observe(bound, x[0].detach().gt(1).to(x)); },
      "constraint 'bound': its violation contributes to the primal update but requires");
  moves_nothing(
      run, [&] { return CMPState(Failing::apply(x.sum())).observe(sum, x[0]); },
      "the user's own node failed");
  moves_nothing(run, []() -> CMPState { throw std::runtime_error("no data"); }, "no data");
  moves_nothing(run, [&] { return run.roll().state; }, "must not roll it");
  const Small other;
  moves_nothing(
      run, [&] { return CMPState(x.sum()).observe(other.sum, x[0]); },
      "constraint 'sum' was observed, but is not registered in this problem");
}

TEST(a_constraint_that_was_registered_after_the_optimizer_was_made_is_told_when_observed) {
  Run run;
  const Constraint& late =
      run.problem.register_constraint("late", {ConstraintType::kEquality, dense(1)});
  moves_nothing(
      run, [&] { return run.problem.compute_cmp_state().observe(late, run.problem.xy[0]); },
      "no dual optimizer has the multiplier of constraint 'late'");
  run.dual.add_param_group(torch::optim::OptimizerParamGroup(late.multiplier()->parameters()));
  run.optimizer.roll(
      [&] { return run.problem.compute_cmp_state().observe(late, run.problem.xy[0]); });
}

TEST(a_roll_whose_gradients_reach_no_primal_optimizer_is_refused) {
  Run run;
  const at::Tensor another = variable({1, 2});
  Small problem;
  torch::optim::SGD primal({another}, 0.1);
  torch::optim::SGD dual(problem.dual_parameters(), 0.1);
  SimultaneousOptimizer optimizer(problem, primal, dual);
  CHECK_THROWS(optimizer.roll([&] { return problem.compute_cmp_state(); }),
               "no parameter of the primal optimizers got a gradient");
  CHECK(problem.dual_parameters()[0].item<double>() == 0);
}

TEST(a_state_of_the_dual_side_alone_moves_the_multipliers_alone) {
  Run run;
  ConstraintState state{at::full({}, 2, at::kDouble)};
  state.contributes_to_primal_update = false;
  run.optimizer.roll([&] { return CMPState().observe(run.problem.bound, state); });
  CHECK(near(run.problem.bound.multiplier()->parameters()[0], {0.2}));
  CHECK(near(run.problem.xy, {0, 0}));
}

TEST(what_a_roll_reports_is_its_own) {
  Run run;
  const at::Tensor x = run.problem.xy;
  const RollOut out =
      run.optimizer.roll([&] { return CMPState(x[0]).observe(run.problem.sum, x[1]); });
  CHECK(x[0].item<double>() != 0);
  CHECK_EQ(0.0, out.state.loss.item<double>());
  CHECK_EQ(0.0, out.state.observed_constraints[0].second.violation.item<double>());
  CHECK_EQ(0.0, out.evaluation.lagrangian(Side::kPrimal).item<double>());
}

TEST(wrong_constraints_are_named) {
  Small problem;
  const at::Tensor x = problem.xy;
  CHECK_THROWS(CMPState(x.sum()).observe(problem.bound, x - 1.0).evaluate(),
               "constraint 'bound': violation has shape [2], its multiplier has 1 element");
  CHECK_THROWS(CMPState(x.sum()).observe(problem.sum, x[0]).observe(problem.sum, x[1]).evaluate(),
               "constraint 'sum' was observed twice");
  CHECK_THROWS(CMPState().observe(Constraint(ConstraintType::kEquality, dense(1)), x[0]),
               "never registered");
  CHECK_THROWS(problem.register_constraint("sum", {ConstraintType::kEquality, dense(1)}),
               "a constraint named 'sum' is registered already");
  CHECK_THROWS(Constraint(ConstraintType::kEquality, nullptr), "Lagrangian expects a multiplier");
  CHECK_THROWS(Constraint(ConstraintType::kEquality, Formulation::kQuadraticPenalty, dense(1),
                          std::make_shared<DensePenaltyCoefficient>(1.0)),
               "QuadraticPenalty takes no multiplier");
  CHECK_THROWS(Constraint(ConstraintType::kInequality,
                          std::make_shared<DenseMultiplier>(at::tensor({-1.0F}))),
               "negative entry");
  CHECK_THROWS(Constraint(ConstraintType::kInequality, problem.sum.multiplier()),
               "cannot be shared");
  CHECK_THROWS(DenseMultiplier(0), "at least one constraint");
  CHECK_THROWS(DenseMultiplier(at::ones({2}, at::kLong)), "expected a floating point tensor");
  CHECK_THROWS(DensePenaltyCoefficient(-1.0), "negative entry");
}

CHECK_MAIN()
