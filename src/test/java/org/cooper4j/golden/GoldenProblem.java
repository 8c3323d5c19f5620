package org.cooper4j.golden;

import static org.cooper4j.golden.GoldenTensors.matrix;
import static org.cooper4j.golden.GoldenTensors.scalarOrVector;
import static org.cooper4j.golden.GoldenTensors.vector;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.formulations.Formulation;
import org.cooper4j.formulations.Lagrangian;
import org.cooper4j.formulations.QuadraticPenalty;
import org.cooper4j.golden.GoldenFile.Case;
import org.cooper4j.golden.GoldenFile.ConstraintSpec;
import org.cooper4j.golden.GoldenFile.MultiplierSpec;
import org.cooper4j.golden.GoldenFile.PenaltySpec;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.cooper4j.multipliers.Multiplier;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.cooper4j.penalties.IndexedPenaltyCoefficient;
import org.cooper4j.penalties.PenaltyCoefficient;

/** The problem of a golden case, in exactly schema.md's arithmetic; a batch is a step's index. */
final class GoldenProblem extends ConstrainedMinimizationProblem<Integer> {
  private static final Map<String, Function<ConstraintType, Formulation>> FORMULATIONS =
      Map.of(
          "Lagrangian", Lagrangian::new,
          "QuadraticPenalty", QuadraticPenalty::new,
          "AugmentedLagrangian", AugmentedLagrangian::new);

  private final Case golden;
  private final Map<String, Tensor> primal = new LinkedHashMap<>();
  private final Map<String, Multiplier> multipliers = new LinkedHashMap<>();
  private final Map<String, PenaltyCoefficient> penalties = new LinkedHashMap<>();
  private final Map<String, GoldenObservation> observations = new LinkedHashMap<>();
  private final Tensor q;
  private final Tensor c;

  GoldenProblem(Case golden, ScalarType dtype) {
    this.golden = golden;
    q = matrix(golden.problem().q(), dtype);
    c = vector(golden.problem().c(), dtype);
    double[] x0 = golden.problem().x0();
    int split = golden.problem().split();
    if (split == 0) {
      primal.put("x", leaf(x0, dtype));
    } else {
      primal.put("x1", leaf(Arrays.copyOf(x0, split), dtype));
      primal.put("x2", leaf(Arrays.copyOfRange(x0, split, x0.length), dtype));
    }
    golden.multipliers().forEach((key, spec) -> multipliers.put(key, multiplier(spec, dtype)));
    golden.penalties().forEach((key, spec) -> penalties.put(key, penalty(spec, dtype)));
    for (ConstraintSpec spec : golden.constraints()) {
      register(
          spec.name(),
          new Constraint(
              ConstraintType.valueOf(spec.type()),
              FORMULATIONS.get(spec.formulation()),
              spec.multiplier() == null ? null : multipliers.get(spec.multiplier()),
              spec.penalty() == null ? null : penalties.get(spec.penalty())));
      observations.put(spec.name(), new GoldenObservation(spec, dtype));
    }
  }

  private static Tensor leaf(double[] values, ScalarType dtype) {
    return vector(values, dtype).requires_grad_(true);
  }

  private static Multiplier multiplier(MultiplierSpec spec, ScalarType dtype) {
    return switch (spec.kind()) {
      case "Dense" -> new DenseMultiplier(vector(spec.init(), dtype));
      case "Indexed" -> new IndexedMultiplier(vector(spec.init(), dtype));
      case "Implicit" -> new LinearMultiplier(spec, dtype);
      default -> throw new IllegalArgumentException("no multiplier of kind " + spec.kind());
    };
  }

  private static PenaltyCoefficient penalty(PenaltySpec spec, ScalarType dtype) {
    Tensor init = scalarOrVector(spec.init(), dtype);
    return switch (spec.kind()) {
      case "Dense" -> new DensePenaltyCoefficient(init);
      case "Indexed" -> new IndexedPenaltyCoefficient(init);
      default -> throw new IllegalArgumentException("no penalty of kind " + spec.kind());
    };
  }

  /** The primal parameters by their names in the file. */
  Map<String, Tensor> primal() {
    return primal;
  }

  /** The multipliers' parameters by their names in the file, {@code KEY.weight}. */
  Map<String, Tensor> dual() {
    Map<String, Tensor> parameters = new LinkedHashMap<>();
    multipliers.forEach(
        (key, multiplier) -> {
          List<String> names = List.copyOf(multiplier.stateDict().keySet());
          for (int i = 0; i < names.size(); i++) {
            parameters.put(key + "." + names.get(i), multiplier.parameters().get(i));
          }
        });
    return parameters;
  }

  /** The penalty coefficients by their keys in the file. */
  Map<String, PenaltyCoefficient> penalties() {
    return penalties;
  }

  @Override
  public CMPState computeCMPState(Integer step) {
    Tensor x = x();
    if (!golden.problem().loss()) {
      return observe(CMPState.ofViolations(), x, step);
    }
    Tensor d = x.sub(c);
    Tensor loss = d.mul(q.mul(d).sum(1)).sum().mul(new Scalar(0.5));
    if (golden.problem().sin()) {
      loss = loss.add(x.sin().sum().mul(new Scalar(0.1)));
    }
    return observe(CMPState.of(loss), x, step);
  }

  @Override
  public CMPState computeViolations(Integer step) {
    return golden.optimizer().computeViolations()
        ? observe(CMPState.ofViolations(), x(), step)
        : super.computeViolations(step);
  }

  private Tensor x() {
    Tensor[] parts = primal.values().toArray(new Tensor[0]);
    return parts.length == 1 ? parts[0] : torch.cat(new TensorVector(parts));
  }

  private CMPState observe(CMPState state, Tensor x, int step) {
    observations.forEach(
        (name, observation) ->
            state.observe(namedConstraints().get(name), observation.at(x, step)));
    return state;
  }
}
