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
  const at::Tensor multiplier = at::tensor({0.5, 3.0});
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
  Term term = inequality(x * 1.0, at::zeros({1000, 1}, at::kDouble));
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
  CHECK_THROWS(Evaluation(x.sum(), {inequality(x, at::ones({2}))}, true, true),
               "violation is float64, its multiplier is float32");
  CHECK_THROWS(Evaluation(x.sum(), {inequality(x / 0, at::ones({2}, at::kDouble))}, true, true),
               "NaN or infinite");
  CHECK_THROWS(Evaluation(x, {}, true, false), "the loss must be a floating point scalar");
  CHECK_THROWS(Evaluation(x.detach().sum(), {}, true, false).backward(),
               "nothing to differentiate");
}

TEST(a_penalty_restarts_only_where_it_was_observed) {
  const at::Tensor value = at::tensor({2.0, 2.0, 2.0});
  cooper4j::PenaltyUpdate update;
  update.factor = 10;
  update.inequality = true;
  update.restart = true;

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
