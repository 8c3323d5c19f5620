package org.cooper4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.multipliers.DenseMultiplier;
import org.junit.jupiter.api.Test;

class DualParametersTest {
  @Test
  void aParameterOutlivesTheVectorItWasTakenFrom() {
    DenseMultiplier multiplier = new DenseMultiplier(2);
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("c", new Constraint(ConstraintType.EQUALITY, multiplier)), unused -> null);
    Tensor parameter;
    try (TensorVector vector = problem.dualParameters()) {
      parameter = vector.get(0);
      assertThatThrownBy(() -> vector.get(1)).isInstanceOf(IndexOutOfBoundsException.class);
    }
    assertThat(parameter).isSameAs(multiplier.weight());
    assertThat(parameter.numel()).isEqualTo(2);
  }
}
