// Cross-entropy of a linear classifier, subject to ‖weight‖² + ‖bias‖² <= constraint_level.
#pragma once

#include <cooper4j/cooper4j.h>
#include <torch/nn/functional/loss.h>
#include <torch/nn/modules/linear.h>

#include <memory>

#include "mnist.h"

class NormConstrainedLogisticRegression : public cooper4j::ConstrainedMinimizationProblem {
 public:
  NormConstrainedLogisticRegression(torch::nn::Linear model, double constraint_level)
      : model_(std::move(model)), constraint_level_(constraint_level) {
    // The multiplier must be on the same device as the model.
    auto multiplier = std::make_shared<cooper4j::DenseMultiplier>(1, model_->weight.options());
    norm_constraint = &register_constraint(
        "norm_constraint", {cooper4j::ConstraintType::kInequality, std::move(multiplier)});
  }

  cooper4j::CMPState compute_cmp_state(const Batch& batch) {
    const torch::Tensor logits = model_->forward(batch.inputs.flatten(1));
    const torch::Tensor loss = torch::nn::functional::cross_entropy(logits, batch.targets);
    const torch::Tensor hits = logits.argmax(1).eq(batch.targets);

    const torch::Tensor squared_norm = model_->weight.pow(2).sum() + model_->bias.pow(2).sum();

    // Constraint violations use the convention g <= 0.
    cooper4j::CMPState state(loss);
    state.observe(*norm_constraint, squared_norm - constraint_level_);
    state.misc["accuracy"] = hits.to(torch::kFloat).mean();
    return state;
  }

  const cooper4j::Constraint* norm_constraint;

 private:
  torch::nn::Linear model_;
  double constraint_level_;
};
