#include "cooper4j/lagrangian.h"

#include <ATen/ATen.h>

#include <cmath>

#include "check.h"
#include "cooper4j/penalty.h"

namespace {

using cooper4j::Evaluation;
using cooper4j::Factor;
using cooper4j::Formulation;
using cooper4j::Side;
using cooper4j::Term;

Term inequality(at::Tensor violation, at::Tensor multiplier) {
  Term term;
  term.inequality = true;
  term.multiplier_kind = Factor::kDense;
  term.violation = std::move(violation);
  term.multiplier = std::move(multiplier);
  return term;
}

TEST(one_pass_gives_both_gradients) {
  const at::Tensor x = at::tensor({1.0, 2.0}).requires_grad_(true);
  const at::Tensor multiplier = at::tensor({0.5, 3.0}).requires_grad_(true);
  Evaluation evaluation(x.square().sum(), {inequality(x - 1.5, multiplier)}, true, true);

  evaluation.backward();

  CHECK(x.grad().equal(at::tensor({2.5, 7.0})));
  CHECK(multiplier.grad().equal(at::tensor({0.5, -0.5})));
  CHECK(evaluation.lagrangian(Side::kPrimal).item<double>() == 5 - 0.25 + 1.5);
  CHECK(evaluation.lagrangian(Side::kDual).item<double>() == -0.25 + 1.5);
}

TEST(values_are_those_of_the_evaluation_even_after_a_step) {
  const at::Tensor x = at::tensor({1.0}).requires_grad_(true);
  const at::Tensor multiplier = at::tensor({2.0});
  Evaluation evaluation(x.sum(), {inequality(x.view({1}), multiplier)}, true, true);
  evaluation.backward();

  x.detach().fill_(100);
  multiplier.fill_(100);

  CHECK(evaluation.factors(0, Side::kPrimal).multiplier.item<double>() == 2);
  CHECK(evaluation.lagrangian(Side::kPrimal).item<double>() == 3);
}

TEST(an_indexed_multiplier_gets_a_sparse_gradient_with_repeats_added) {
  const at::Tensor x = at::tensor({1.0, 2.0, 4.0}).requires_grad_(true);
  Term term = inequality(x * 1.0, at::zeros({1000, 1}, at::kDouble).requires_grad_(true));
  term.multiplier_kind = Factor::kIndexed;
  term.features = at::tensor({7, 9, 7}, at::kLong);

  Evaluation({}, {term}, true, true).backward();

  const at::Tensor gradient = term.multiplier.grad();
  CHECK(gradient.is_sparse());
  CHECK(gradient._values().size(0) == 3);
  CHECK(gradient.to_dense()[7].item<double>() == -5);
}

TEST(what_does_not_fit_is_refused_by_name_before_anything_changes) {
  const at::Tensor x = at::tensor({1.0, 2.0}).requires_grad_(true);
  CHECK_THROWS(Evaluation(x.sum(), {inequality(x, at::ones({1}, at::kDouble))}, true, true),
               "constraint {0}: violation has shape [2]");
  CHECK_THROWS(Evaluation(x.sum(), {inequality(x / 0, at::ones({2}, at::kDouble))}, true, true),
               "NaN or infinite");
  CHECK_THROWS(Evaluation(x, {}, true, false), "the loss has shape [2]; expected a dense scalar");
  CHECK_THROWS(Evaluation(at::ones({}, at::kLong), {}, true, false), "the loss has dtype int64");
  CHECK_THROWS(Evaluation(x.detach().sum(), {}, true, false).backward(),
               "the loss requires no grad");
}

TEST(a_violation_of_another_dtype_is_promoted_and_gradients_keep_theirs) {
  for (const auto dtype : {at::kBFloat16, at::kHalf, at::kFloat}) {
    const at::Tensor x = at::tensor({1.0, 2.0}).to(dtype).requires_grad_(true);
    const at::Tensor multiplier = at::tensor({0.5, 3.0}).requires_grad_(true);
    Evaluation evaluation({}, {inequality(x - 1.5, multiplier)}, true, true);
    evaluation.backward();
    CHECK(x.grad().equal(at::tensor({0.5, 3.0}).to(dtype)));
    CHECK(multiplier.grad().equal(at::tensor({0.5, -0.5})));
    CHECK(evaluation.lagrangian(Side::kDual).item<double>() == -0.25 + 1.5);
  }
}

TEST(a_frozen_multiplier_gets_no_gradient) {
  const at::Tensor x = at::tensor({1.0}).requires_grad_(true);
  const at::Tensor multiplier = at::tensor({2.0});
  Evaluation({}, {inequality(x * 1.0, multiplier)}, true, true).backward();
  CHECK(x.grad().equal(at::tensor({2.0})));
  CHECK(!multiplier.grad().defined());
}

TEST(a_side_without_anything_that_contributes_is_left_out) {
  Term term = inequality(at::tensor({2.0}), at::tensor({1.0}).requires_grad_(true));
  term.contributes_to_primal = false;
  Evaluation({}, {term}, true, true).backward();
  CHECK(term.multiplier.grad().equal(at::tensor({-2.0})));
  term.contributes_to_primal = true;
  CHECK_THROWS(Evaluation({}, {term}, true, true).backward(),
               "constraint {0}: its violation contributes to the primal update");
}

Term indexed(at::Tensor table, at::Tensor features) {
  Term term = inequality(at::ones({features.numel()}, at::kDouble), std::move(table));
  term.multiplier_kind = Factor::kIndexed;
  term.features = std::move(features);
  return term;
}

TEST(tables_of_other_shapes_than_a_column_are_refused) {
  const at::Tensor features = at::tensor({0, 1}, at::kLong);
  const std::vector<std::vector<int64_t>> shapes = {{2, 2}, {3}, {}, {3, 1, 1}, {0, 1}, {3, 0}};
  for (const auto& shape : shapes) {
    for (const bool primal : {true, false}) {
      CHECK_THROWS(Evaluation({}, {indexed(at::zeros(shape, at::kDouble), features)}, primal, true),
                   "its indexed multiplier has shape " + c10::str(at::IntArrayRef(shape)));
    }
  }
  for (const auto& shape : std::vector<std::vector<int64_t>>{{2, 1}, {0}}) {
    Term term = indexed(at::zeros({2, 1}, at::kDouble), features);
    term.formulation = Formulation::kAugmentedLagrangian;
    term.penalty_kind = Factor::kIndexed;
    term.penalty = at::ones(shape, at::kDouble);
    CHECK_THROWS(Evaluation({}, {term}, true, true), "its indexed penalty coefficient has shape");
  }
}

TEST(an_index_out_of_range_is_named) {
  const at::Tensor table = at::zeros({3, 1}, at::kDouble).requires_grad_(true);
  for (const int64_t stray : {int64_t{3}, int64_t{-1}, int64_t{1} << 40}) {
    for (const int64_t before : {0, 1, 700}) {
      const at::Tensor features = at::cat({at::zeros({before}, at::kLong), at::tensor({stray})});
      const std::string text = "constraint {0}: constraint features have the index " +
                               std::to_string(stray) + ", its multiplier has 3 entries";
      CHECK_THROWS(Evaluation({}, {indexed(table, features)}, true, true), text);
      CHECK_THROWS(
          Evaluation({}, {indexed(table, features.unsqueeze(1).repeat({1, 2}).select(1, 0))}, false,
                     true),
          "constraint features have the index");
    }
  }
  CHECK(!table.grad().defined());
  Evaluation({}, {indexed(table, at::empty({0}, at::kLong))}, false, true).backward();
  CHECK(table.grad()._nnz() == 0);
}

TEST(a_dense_factor_of_a_shape_that_would_broadcast_is_refused) {
  const at::Tensor x = at::ones({3}, at::kDouble).requires_grad_(true);
  for (const auto& shape : std::vector<std::vector<int64_t>>{{1, 3}, {3, 1}, {1, 1, 3}}) {
    CHECK_THROWS(Evaluation({}, {inequality(x * 1, at::ones(shape, at::kDouble))}, true, true),
                 "violation has shape [3], its multiplier has 3 elements in shape");
  }
  Term term = inequality(x * 1, at::ones({3}, at::kDouble));
  term.formulation = Formulation::kAugmentedLagrangian;
  term.penalty_kind = Factor::kDense;
  term.penalty = at::ones({1, 1}, at::kDouble);
  CHECK_THROWS(Evaluation({}, {term}, true, true),
               "its penalty coefficient has 1 element in shape");
}

TEST(a_penalty_restarts_only_where_it_was_observed) {
  const at::Tensor value = at::tensor({2.0, 2.0, 2.0});
  cooper4j::PenaltyUpdate update;
  update.factor = 10;
  update.inequality = true;
  update.leak = 1;

  cooper4j::update_penalty(value, at::tensor({1.0, 1.0, 1.0}), at::tensor({-5.0, 3.0}),
                           at::tensor({0, 2}, at::kLong), update);

  CHECK(value.equal(at::tensor({1.0, 2.0, 20.0})));
}

TEST(a_float_violation_of_just_the_tolerance_is_none) {
  const at::Tensor value = at::tensor({2.0F});
  cooper4j::PenaltyUpdate update;
  update.factor = 10;
  update.tolerance = 0.1;

  cooper4j::update_penalty(value, value.clone(), at::tensor({0.1F}), {}, update);

  CHECK(value.item<float>() == 2);
}

TEST(a_penalty_observed_twice_grows_once) {
  const at::Tensor value = at::tensor({2.0, 3.0});
  cooper4j::PenaltyUpdate update;
  update.factor = 10;
  update.summand = 1;

  cooper4j::update_penalty(value, value.clone(), at::tensor({-5.0, 3.0}),
                           at::tensor({1, 1}, at::kLong), update);

  CHECK(value.equal(at::tensor({2.0, 31.0})));
}

TEST(a_penalty_is_raised_up_to_its_maximum) {
  cooper4j::PenaltyUpdate update;
  update.factor = 10;
  update.maximum = 50;
  for (const bool scalar : {false, true}) {
    const at::Tensor value = scalar ? at::scalar_tensor(7.0) : at::tensor({7.0, 90.0});
    const at::Tensor violation = at::tensor({1.0, 1.0});
    cooper4j::update_penalty(value, value.clone(), violation, {}, update);
    CHECK(value.equal(scalar ? at::scalar_tensor(50.0) : at::tensor({50.0, 90.0})));
  }
}

TEST(a_penalty_that_would_overflow_stays_as_it_is) {
  cooper4j::PenaltyUpdate update;
  update.factor = 10;
  for (const at::Tensor& value : {at::tensor({3e37F}), at::scalar_tensor(3e37F)}) {
    const at::Tensor before = value.clone();
    CHECK_THROWS((cooper4j::update_penalty(value, before, at::tensor({2.0F}), {}, update), 0),
                 "overflows Float; give the updater a maximum");
    CHECK(value.equal(before));
    cooper4j::update_penalty(value, before, at::tensor({1.0F}), {}, update);
    CHECK(value.item<float>() == 3e37F * 10);
  }
}

TEST(penalty_options_out_of_range_are_refused) {
  const at::Tensor value = at::ones({1});
  const auto refused = [&](double cooper4j::PenaltyUpdate::* option, const char* text) {
    cooper4j::PenaltyUpdate update;
    update.*option = std::nan("");
    CHECK_THROWS((cooper4j::update_penalty(value, value.clone(), value, {}, update), 0), text);
  };
  refused(&cooper4j::PenaltyUpdate::factor, "factor is nan");
  refused(&cooper4j::PenaltyUpdate::summand, "summand is nan");
  refused(&cooper4j::PenaltyUpdate::tolerance, "tolerance is nan");
  refused(&cooper4j::PenaltyUpdate::maximum, "maximum is nan");
}

}  // namespace

CHECK_MAIN()
