package org.cooper4j.comparison;

import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.data.Batch;
import org.cooper4j.rates.RateContext;
import org.cooper4j.rates.Rates;

/**
 * A logistic regression of incomes whose answers to men and to women differ by 0.02 at most: their
 * mean probabilities, which have a gradient, or their rates of positive answers, which have none.
 */
final class AdultParity extends Linear {
  private static final double LEVEL = 0.02;

  private final boolean rates;
  private final Constraint parity;

  AdultParity(boolean rates, Constraints constraints) {
    super(Data.people(), 1, 512);
    this.rates = rates;
    parity = register("parity", constraints.of(ConstraintType.INEQUALITY, 2, ScalarType.Float));
  }

  @Override
  protected CMPState evaluate(Batch batch) {
    Tensor logits = model.forward(batch.inputs()).squeeze(1);
    Tensor income = batch.targets().select(1, 0);
    Tensor male = batch.targets().select(1, 1);
    CMPState state =
        CMPState.of(
            torch
                .binary_cross_entropy_with_logits(logits, income)
                .add(model.weight().square().sum().mul(new Scalar(1e-4))));
    if (rates) {
      RateContext people = RateContext.of(logits, income).groupBy(male, List.of("women", "men"));
      return state.observe(
          parity, Rates.positivePredictionRate(people).differenceTo(0).within(LEVEL));
    }
    Tensor answers = logits.sigmoid();
    Tensor female = male.eq(new Scalar(0.0)).to(ScalarType.Float);
    Tensor gap = mean(answers, male).sub(mean(answers, female));
    return state.lessOrEqual(parity, torch.stack(new TensorVector(gap, gap.neg())), LEVEL);
  }

  private static Tensor mean(Tensor answers, Tensor who) {
    return answers.dot(who).div(who.sum());
  }
}
