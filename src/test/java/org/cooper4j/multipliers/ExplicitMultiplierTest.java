package org.cooper4j.multipliers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.cooper4j.ConstraintType.EQUALITY;
import static org.cooper4j.Devices.values;
import static org.cooper4j.Devices.vector;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.Constraint;
import org.cooper4j.EveryDevice;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@EveryDevice
class ExplicitMultiplierTest {
  private static final List<Function<Tensor, ExplicitMultiplier>> KINDS =
      List.of(DenseMultiplier::new, IndexedMultiplier::new);

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
  void valuesThatAreNoNumbersAreRefused(double bad) {
    for (var kind : KINDS) {
      assertThatThrownBy(() -> kind.apply(vector(0, bad)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("init has a NaN or infinite entry");
      ExplicitMultiplier multiplier = kind.apply(vector(1, 2));
      Tensor values = vector(0, bad).view(multiplier.weight().shape());
      assertThatThrownBy(() -> multiplier.loadStateDict(Map.of("weight", values)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("NaN or infinite");
      assertThat(values(multiplier.weight().detach().flatten())).containsExactly(1, 2);

      multiplier.weight().detach().fill_(vector(bad).sum());
      assertThatThrownBy(() -> new Constraint(EQUALITY, multiplier))
          .as("written by hand")
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(multiplier.constraintType()).isEmpty();
    }
  }

  @Test
  void valuesThatItsDtypeCannotHoldAreRefused() {
    for (var kind : KINDS) {
      ExplicitMultiplier multiplier = kind.apply(vector(1e6));
      Tensor values = Tensor.create(new double[] {1e300}, 1).view(multiplier.weight().shape());
      assertThatThrownBy(() -> multiplier.loadStateDict(Map.of("weight", values)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("as float32");
      assertThatThrownBy(() -> multiplier.to(null, ScalarType.Half))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("as float16");
      assertThatThrownBy(() -> multiplier.to(null, ScalarType.Long))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(multiplier.weight().scalar_type().intern()).isEqualTo(ScalarType.Float);
      assertThat(multiplier.weight().sum().item_float()).isEqualTo(1e6f);
    }
  }

  @Test
  void aStateThatWasReleasedIsNamed() {
    ExplicitMultiplier multiplier = new DenseMultiplier(vector(1));
    Tensor released = vector(2);
    released.close();
    assertThatThrownBy(() -> multiplier.loadStateDict(Map.of("weight", released)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("weight: expected float32 [1], found a released tensor");
    assertThat(values(multiplier.weight().detach())).containsExactly(1);
  }

  @Test
  void aMultiplierServesAtLeastOneConstraint() {
    for (var kind : KINDS) {
      assertThatThrownBy(() -> kind.apply(vector()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("at least one constraint");
      assertThatThrownBy(() -> kind.apply(null))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("init is null");
      Tensor closed = vector(1);
      closed.close();
      assertThatThrownBy(() -> kind.apply(closed))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("init was released");
    }
    assertThatThrownBy(() -> new DenseMultiplier(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new IndexedMultiplier(-1))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
