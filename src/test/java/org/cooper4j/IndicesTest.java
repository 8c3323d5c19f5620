package org.cooper4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.Map;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.penalties.IndexedPenaltyCoefficient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Indices that name no row of a table. */
@ExtendWith(Scoped.class)
class IndicesTest {
  @ParameterizedTest
  @ValueSource(longs = {3, -1, 1L << 40, Long.MIN_VALUE})
  void oneOutOfRangeIsNamedWithItsConstraint(long stray) {
    Tensor x = torch.ones(2).requires_grad_(true);
    Tensor features = Tensor.create(new long[] {1, stray}, 2);
    IndexedMultiplier multiplier = new IndexedMultiplier(3);
    Constraint rows = new Constraint(ConstraintType.INEQUALITY, multiplier);
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("rows", rows),
            batch ->
                CMPState.of(x.sum())
                    .observe(
                        rows, ConstraintState.builder(x).constraintFeatures(features).build()));
    try (var optimizer =
        new SimultaneousOptimizer<>(
            problem,
            new SGD(new TensorVector(x), new SGDOptions(0.1)),
            new SGD(problem.dualParameters(), new SGDOptions(0.1)))) {
      Throwable thrown = catchThrowable(optimizer::roll);
      assertThat(thrown)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(
              "constraint 'rows': constraint features have the index "
                  + stray
                  + ", its multiplier has 3 entries");
      for (Throwable t = thrown; t != null; t = t.getCause()) {
        assertThat(t.getMessage()).doesNotContain("{0}").doesNotContain("frame #");
      }
    }
    assertThat(x.equal(torch.ones(2))).isTrue();
    assertThat(multiplier.weight().equal(torch.zeros(3, 1))).isTrue();
  }

  @Test
  void tablesThatAreReadByHandSayTheSame() {
    IndexedMultiplier multiplier = new IndexedMultiplier(3);
    IndexedPenaltyCoefficient penalty = new IndexedPenaltyCoefficient(torch.ones(2));
    Tensor three = Tensor.create(new long[] {0, 3}, 2);
    Tensor none = Tensor.create(new long[] {0}, 1).narrow(0, 0, 0);
    assertThat(multiplier.forward(none).numel()).isZero();
    assertThatThrownBy(() -> multiplier.forward(three))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the index 3 is none of 3 entries");
    assertThatThrownBy(() -> penalty.forward(three))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the index 3 is none of 2 entries");
  }
}
