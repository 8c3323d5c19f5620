package org.cooper4j.golden;

import static org.cooper4j.Devices.indices;
import static org.cooper4j.golden.GoldenTensors.matrix;
import static org.cooper4j.golden.GoldenTensors.vector;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.ConstraintState;
import org.cooper4j.golden.GoldenFile.ConstraintSpec;

/** What a golden case observes of one constraint, a step at a time. */
final class GoldenObservation {
  private final ConstraintSpec spec;
  private final Tensor a;
  private final Tensor b;
  private final Tensor curvature;
  private final Tensor squares;
  private final Tensor surrogateA;
  private final Tensor surrogateB;
  private final Tensor features;

  GoldenObservation(ConstraintSpec spec, ScalarType dtype) {
    this.spec = spec;
    a = matrix(spec.a(), dtype);
    b = vector(spec.b(), dtype);
    boolean curved = spec.squares() != null;
    curvature = curved ? vector(spec.curvature(), dtype) : null;
    squares = curved ? matrix(spec.squares(), dtype) : null;
    boolean proxy = spec.surrogate() != null;
    surrogateA = proxy ? matrix(spec.surrogate().a(), dtype) : null;
    surrogateB = proxy ? vector(spec.surrogate().b(), dtype) : null;
    features = spec.features() == null ? null : matrix(spec.features(), dtype);
  }

  ConstraintState at(Tensor x, int step) {
    Tensor violation = a.mul(x).sum(1).sub(b);
    if (squares != null) {
      violation = violation.add(curvature.mul(squares.mul(x.mul(x)).sum(1)));
    }
    Tensor strict = null;
    if (surrogateA != null) {
      strict = violation.detach();
      violation = surrogateA.mul(x).sum(1).sub(surrogateB);
    }
    Tensor chosen = spec.indices() == null ? null : indices(spec.indices()[step]);
    Tensor strictChosen =
        spec.strictIndices() == null ? chosen : indices(spec.strictIndices()[step]);
    violation = cut(violation, chosen);
    strict = cut(strict, strictChosen);
    ConstraintState.Builder state =
        ConstraintState.builder(violation)
            .strictViolation(strict)
            .constraintFeatures(features == null ? chosen : rows(features, chosen));
    if (spec.strictIndices() != null) {
      state.strictConstraintFeatures(
          features == null ? strictChosen : rows(features, strictChosen));
    }
    return state
        .contributesToPrimalUpdate(spec.primal() == null || spec.primal()[step])
        .contributesToDualUpdate(spec.dual() == null || spec.dual()[step])
        .build();
  }

  private Tensor cut(Tensor violation, Tensor chosen) {
    if (violation == null) {
      return null;
    }
    Tensor some = rows(violation, chosen);
    return spec.scalar() ? some.select(0, 0) : some;
  }

  private static Tensor rows(Tensor tensor, Tensor chosen) {
    return chosen == null ? tensor : tensor.index_select(0, chosen);
  }
}
