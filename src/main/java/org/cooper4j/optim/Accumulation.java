package org.cooper4j.optim;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.CMPState;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.Cuda;
import org.cooper4j.checkpoint.RngState;
import org.cooper4j.internal.RollScope;
import org.cooper4j.internal.Tensors;

/**
 * One evaluation of a whole batch by its parts, of which one at a time has a graph. First every
 * part gives its values. The state of the whole is made of them, with leaves in place of the graph,
 * so that any formulation's backward pass ends there with ∂L/∂(loss, violations); the second
 * evaluation of every part, from the same state of the random number generators, then carries these
 * on to the variables.
 */
final class Accumulation<B> implements Evaluation {
  /** What is kept of the first evaluation of a part; its tensors are detached. */
  private record Part<B>(B batch, List<Tensor> generators, CMPState values) {}

  private final List<Part<B>> parts = new ArrayList<>();
  private final Function<B, Evaluation> evaluate;
  private final RollScope scope = RollScope.current();
  private final List<Device> devices = devices();
  private final double[] weights;
  private final CMPState whole;
  private final Tensor loss;
  private final Map<Constraint, Tensor> violations = new LinkedHashMap<>();

  /**
   * Evaluates the parts.
   *
   * @throws IllegalArgumentException if they do not fit together
   */
  Accumulation(List<? extends B> batches, Function<B, Evaluation> evaluate) {
    this.evaluate = evaluate;
    boolean[] differentiable = {false};
    Set<Constraint> differentiables = new LinkedHashSet<>();
    for (B batch : batches) {
      List<Tensor> generators = devices.stream().map(RngState::get).toList();
      try (PointerScope graph = new PointerScope()) {
        CMPState state = evaluate.apply(batch).state();
        differentiable[0] |= state.loss().filter(Tensor::requires_grad).isPresent();
        state
            .observedConstraints()
            .forEach(
                (constraint, observed) -> {
                  if (observed.violation().requires_grad()) {
                    differentiables.add(constraint);
                  }
                });
        parts.add(new Part<>(batch, generators, detached(state)));
      }
    }
    weights = weights();
    requireAlike();
    CMPState first = parts.get(0).values();
    loss =
        first.loss().isPresent()
            ? leaf(mean(s -> s.loss().orElseThrow()), differentiable[0])
            : null;
    whole = loss == null ? CMPState.ofViolations() : CMPState.of(loss);
    if (first.samples().isPresent()) {
      whole.samples(parts.stream().mapToLong(part -> part.values().samples().getAsLong()).sum());
    }
    Set<Constraint> observed = new LinkedHashSet<>();
    parts.forEach(part -> observed.addAll(part.values().observedConstraints().keySet()));
    for (Constraint constraint : observed) {
      violations.put(
          constraint,
          leaf(
              joined(constraint, ConstraintState::violation),
              differentiables.contains(constraint)));
      whole.observe(constraint, joined(constraint));
    }
    keepMisc();
  }

  /** Those whose random numbers an evaluation may draw. */
  private static List<Device> devices() {
    return Cuda.whyUnavailable().isEmpty()
        ? List.of(new Device("cpu"), new Device("cuda"))
        : List.of(new Device("cpu"));
  }

  @Override
  public CMPState state() {
    return whole;
  }

  @Override
  public void backward(List<Tensor> roots, List<Tensor> gradients) {
    Evaluation.pass(roots, gradients);
    for (int i = 0; i < parts.size(); i++) {
      Part<B> part = parts.get(i);
      for (int d = 0; d < devices.size(); d++) {
        RngState.set(devices.get(d), part.generators().get(d));
      }
      try (PointerScope graph = new PointerScope()) {
        backward(i, evaluate.apply(part.batch()));
      }
    }
  }

  private void backward(int i, Evaluation part) {
    CMPState state = part.state();
    List<Tensor> roots = new ArrayList<>();
    List<Tensor> gradients = new ArrayList<>();
    if (weights[i] > 0 && loss != null && loss.grad().defined()) {
      add(roots, gradients, state.loss().orElseThrow(), loss.grad().mul(new Scalar(weights[i])));
    }
    violations.forEach(
        (constraint, leaf) -> {
          ConstraintState observed = state.observedConstraints().get(constraint);
          if (observed == null || !leaf.grad().defined()) {
            return;
          }
          if (hasRows(constraint)) {
            long rows = observed.violation().numel();
            add(
                roots,
                gradients,
                observed.violation(),
                leaf.grad().narrow(0, start(constraint, i), rows).clone());
          } else if (weights[i] > 0) {
            add(roots, gradients, observed.violation(), leaf.grad().mul(new Scalar(weights[i])));
          }
        });
    part.backward(roots, gradients);
  }

  private static void add(
      List<Tensor> roots, List<Tensor> gradients, Tensor root, Tensor gradient) {
    if (root.requires_grad()) {
      roots.add(root);
      gradients.add(gradient.reshape(root.shape()));
    }
  }

  /** Where the rows of a part begin in those of the whole. */
  private long start(Constraint constraint, int part) {
    long start = 0;
    for (int i = 0; i < part; i++) {
      ConstraintState observed = parts.get(i).values().observedConstraints().get(constraint);
      start += observed == null ? 0 : observed.violation().numel();
    }
    return start;
  }

  private CMPState detached(CMPState state) {
    CMPState values =
        state.loss().isPresent() ? CMPState.of(own(state.loss().get())) : CMPState.ofViolations();
    state.samples().ifPresent(values::samples);
    state
        .observedConstraints()
        .forEach(
            (constraint, observed) ->
                values.observe(
                    constraint,
                    like(
                        observed,
                        own(observed.violation()),
                        part -> part.apply(observed).map(this::own))));
    state
        .misc()
        .forEach(
            (key, value) ->
                values.misc(
                    key, value instanceof Tensor tensor && !tensor.isNull() ? own(tensor) : value));
    return values;
  }

  /** A copy that lives as long as the roll. */
  private Tensor own(Tensor tensor) {
    if (tensor.isNull() || !tensor.defined()) {
      return tensor;
    }
    Tensor own = tensor.detach().clone();
    scope.attach(own);
    return own;
  }

  private static Tensor leaf(Tensor values, boolean differentiable) {
    return values.detach().requires_grad_(differentiable);
  }

  /** A state of the same kind, with what {@code part} gives for each tensor that may be there. */
  private static ConstraintState like(
      ConstraintState state,
      Tensor violation,
      Function<Function<ConstraintState, Optional<Tensor>>, Optional<Tensor>> part) {
    return ConstraintState.builder(violation)
        .constraintFeatures(part.apply(ConstraintState::constraintFeatures).orElse(null))
        .strictViolation(part.apply(ConstraintState::strictViolation).orElse(null))
        .strictConstraintFeatures(
            part.apply(ConstraintState::strictConstraintFeatures).orElse(null))
        .contributesToPrimalUpdate(state.contributesToPrimalUpdate())
        .contributesToDualUpdate(state.contributesToDualUpdate())
        .build();
  }

  private ConstraintState joined(Constraint constraint) {
    ConstraintState first = first(constraint);
    return like(
        first,
        violations.get(constraint),
        part ->
            part.apply(first)
                .map(unused -> joined(constraint, state -> part.apply(state).orElseThrow())));
  }

  /** Of rows all of them, else the mean. */
  private Tensor joined(Constraint constraint, Function<ConstraintState, Tensor> which) {
    if (!hasRows(constraint)) {
      return mean(state -> which.apply(state.observedConstraints().get(constraint)));
    }
    TensorVector rows = new TensorVector();
    for (Part<B> part : parts) {
      ConstraintState observed = part.values().observedConstraints().get(constraint);
      if (observed != null) {
        Tensor own = which.apply(observed);
        rows.push_back(own.dim() == 0 ? own.unsqueeze(0) : own);
      }
    }
    return torch.cat(rows);
  }

  private boolean hasRows(Constraint constraint) {
    ConstraintState first = first(constraint);
    return first.constraintFeatures().isPresent() || first.strictConstraintFeatures().isPresent();
  }

  private ConstraintState first(Constraint constraint) {
    return parts.stream()
        .map(part -> part.values().observedConstraints().get(constraint))
        .filter(observed -> observed != null)
        .findFirst()
        .orElseThrow();
  }

  private Tensor mean(Function<CMPState, Tensor> which) {
    Tensor sum = null;
    for (int i = 0; i < weights.length; i++) {
      // The mean over no samples is NaN.
      if (weights[i] > 0) {
        Tensor share = which.apply(parts.get(i).values()).mul(new Scalar(weights[i]));
        sum = sum == null ? share : sum.add(share);
      }
    }
    // Of no samples at all it is NaN, too, and counts nowhere.
    return sum == null ? which.apply(parts.get(0).values()) : sum;
  }

  private double[] weights() {
    double[] samples = new double[parts.size()];
    long given = parts.stream().filter(part -> part.values().samples().isPresent()).count();
    if (given != 0 && given != samples.length) {
      throw new IllegalArgumentException(
          given
              + " of "
              + samples.length
              + " micro-batches said how many samples they have; call samples(n) in all of their"
              + " states, or in none if they are of one size");
    }
    for (int i = 0; i < samples.length; i++) {
      samples[i] = parts.get(i).values().samples().orElse(1);
    }
    double all = Arrays.stream(samples).sum();
    return all == 0 ? samples : Arrays.stream(samples).map(n -> n / all).toArray();
  }

  private void requireAlike() {
    CMPState first = parts.get(0).values();
    for (int i = 0; i < parts.size(); i++) {
      CMPState other = parts.get(i).values();
      if (other.loss().isPresent() != first.loss().isPresent()) {
        throw new IllegalArgumentException(
            "micro-batch " + i + " and micro-batch 0: one has a loss, the other has none");
      }
      for (Constraint constraint : first.observedConstraints().keySet()) {
        requireAlike(constraint, 0, other.observedConstraints().get(constraint), i);
      }
      for (Constraint constraint : other.observedConstraints().keySet()) {
        requireAlike(constraint, i, first.observedConstraints().get(constraint), 0);
      }
    }
  }

  private void requireAlike(Constraint constraint, int at, ConstraintState other, int there) {
    ConstraintState first = first(constraint);
    String trouble = null;
    if (other == null) {
      trouble =
          hasRows(constraint)
              ? null
              : "it was not observed there, so that its mean over the whole is unknown";
    } else if (other.contributesToPrimalUpdate() != first.contributesToPrimalUpdate()
        || other.contributesToDualUpdate() != first.contributesToDualUpdate()
        || other.strictViolation().isPresent() != first.strictViolation().isPresent()
        || other.constraintFeatures().isPresent() != first.constraintFeatures().isPresent()
        || other.strictConstraintFeatures().isPresent()
            != first.strictConstraintFeatures().isPresent()) {
      trouble = "strict violations, features and contributions must be given alike: " + other;
    } else if (!hasRows(constraint)
        && (!Arrays.equals(other.violation().shape(), first.violation().shape())
            || other.strictViolation().isPresent()
                && !Arrays.equals(
                    other.strictViolation().get().shape(),
                    first.strictViolation().get().shape()))) {
      trouble = "its violation has another shape there: " + other + " against " + first;
    }
    if (trouble != null) {
      throw new IllegalArgumentException(
          "constraint '"
              + constraint.name().orElse("?")
              + "', micro-batches "
              + at
              + " and "
              + there
              + ": "
              + trouble);
    }
  }

  /** Means of numbers and floating point scalars; else what the last part had. */
  private void keepMisc() {
    parts.forEach(part -> part.values().misc().forEach(whole::misc));
    for (String key : List.copyOf(whole.misc().keySet())) {
      List<Object> values = parts.stream().map(part -> part.values().misc().get(key)).toList();
      if (values.stream().allMatch(Number.class::isInstance)) {
        double sum = 0;
        for (int i = 0; i < weights.length; i++) {
          sum += weights[i] > 0 ? weights[i] * ((Number) values.get(i)).doubleValue() : 0;
        }
        whole.misc(key, sum);
      } else if (values.stream()
          .allMatch(
              value ->
                  value instanceof Tensor tensor
                      && !tensor.isNull()
                      && tensor.defined()
                      && tensor.numel() == 1
                      && Tensors.isFloatingPoint(tensor))) {
        whole.misc(key, mean(state -> state.misc(key, Tensor.class)));
      }
    }
  }
}
