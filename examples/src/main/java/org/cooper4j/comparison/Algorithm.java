package org.cooper4j.comparison;

import static org.bytedeco.pytorch.global.torch.full;
import static org.cooper4j.penalties.MultiplicativePenaltyCoefficientUpdater.ofEveryConstraint;

import java.util.List;
import java.util.Map;
import java.util.function.DoubleFunction;
import java.util.function.Function;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.data.Batch;
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.formulations.Formulation;
import org.cooper4j.formulations.Lagrangian;
import org.cooper4j.formulations.PenalizedLagrangian;
import org.cooper4j.formulations.PenaltyBarrier;
import org.cooper4j.formulations.QuadraticPenalty;
import org.cooper4j.formulations.Switched;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.AlternatingDualPrimalOptimizer;
import org.cooper4j.optim.CooperOptimizer;
import org.cooper4j.optim.DualRates;
import org.cooper4j.optim.ExtrapolationConstrainedOptimizer;
import org.cooper4j.optim.MoreauEnvelope;
import org.cooper4j.optim.PastExtrapolationConstrainedOptimizer;
import org.cooper4j.optim.PenaltySteps;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.optim.SwitchingSubgradientOptimizer;
import org.cooper4j.optim.UnconstrainedOptimizer;
import org.cooper4j.optim.torch.ExtraAdam;
import org.cooper4j.optim.torch.ExtraAdamOptions;
import org.cooper4j.optim.torch.ExtraSGD;
import org.cooper4j.optim.torch.ExtraSGDOptions;
import org.cooper4j.optim.torch.NuPI;
import org.cooper4j.optim.torch.NuPIOptions;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.cooper4j.penalties.MultiplicativePenaltyCoefficientUpdater;
import org.cooper4j.penalties.PenaltyBarrierUpdater;
import org.cooper4j.penalties.PenaltyCoefficientUpdater;

/**
 * An algorithm with one knob beside the model's learning rate, or none.
 *
 * @param name as the tables have it
 * @param untuned what its knob is set to where nobody tunes
 * @param knob what the knob is; empty if there is none
 * @param equalities whether it takes them
 * @param constraints what it makes of a task's constraints, at a setting of the knob
 * @param maker its optimizer
 */
record Algorithm(
    String name,
    double untuned,
    String knob,
    boolean equalities,
    DoubleFunction<Constraints> constraints,
    Maker maker) {

  /** Starts an optimizer. */
  interface Maker {
    Step make(Task task, double rate, double knob);
  }

  /** A step. */
  interface Step {
    void on(Batch batch);
  }

  private Algorithm(
      String name,
      double untuned,
      String knob,
      DoubleFunction<Constraints> constraints,
      Maker maker) {
    this(name, untuned, knob, true, constraints, maker);
  }

  /** Whether it is for problems with, or without equalities. */
  boolean takes(boolean problemHasEqualities) {
    return equalities || !problemHasEqualities;
  }

  /** What its knob is set to; the first is the untuned one. */
  double[] knobs() {
    return knob.isEmpty()
        ? new double[] {untuned}
        : new double[] {untuned, 0.1 * untuned, 10 * untuned};
  }

  /** What it runs with. */
  Map<String, Double> setting(double rate, double knobValue) {
    return knob.isEmpty() ? Map.of("rate", rate) : Map.of("rate", rate, knob, knobValue);
  }

  static List<Algorithm> all() {
    DoubleFunction<Constraints> lagrangian = knob -> with(Lagrangian::new);
    return List.of(
        new Algorithm(
            "Lagrangian, simultaneous",
            0.1,
            "dual rate",
            lagrangian,
            (task, rate, knob) ->
                step(new SimultaneousOptimizer<>(task, adam(task, rate), sgd(task, knob)))),
        new Algorithm(
            "Lagrangian, alternating",
            0.1,
            "dual rate",
            lagrangian,
            (task, rate, knob) ->
                step(
                    new AlternatingDualPrimalOptimizer<>(task, adam(task, rate), sgd(task, knob)))),
        new Algorithm(
            "extragradient",
            0.1,
            "dual rate",
            lagrangian,
            (task, rate, knob) ->
                step(
                    new ExtrapolationConstrainedOptimizer<>(
                        task, extraAdam(task, rate), extraSgd(task, knob)))),
        new Algorithm(
            "extragradient, past",
            0.1,
            "dual rate",
            lagrangian,
            (task, rate, knob) ->
                step(
                    new PastExtrapolationConstrainedOptimizer<>(
                        task, extraAdam(task, rate), extraSgd(task, knob)))),
        new Algorithm(
            "νPI",
            10,
            "Kp",
            lagrangian,
            (task, rate, knob) ->
                step(
                    new SimultaneousOptimizer<>(
                        task,
                        adam(task, rate),
                        new NuPI(task.dualParameters(), new NuPIOptions(0.1).kp(knob))))),
        new Algorithm(
            "PID",
            10,
            "Kp, Kd",
            lagrangian,
            (task, rate, knob) ->
                step(
                    new SimultaneousOptimizer<>(
                        task,
                        adam(task, rate),
                        new NuPI(
                            task.dualParameters(),
                            new NuPIOptions(0.1)
                                .kp(knob)
                                .kd(knob)
                                .emaNu(0.9)
                                .useBiasCorrection(true))))),
        new Algorithm(
            "DualRates",
            0,
            "",
            lagrangian,
            (task, rate, none) -> {
              var optimizer =
                  new SimultaneousOptimizer<>(
                      task, adam(task, rate), DualRates.controller(task.dualParameters()));
              DualRates.of(optimizer);
              return step(optimizer);
            }),
        new Algorithm(
            "augmented Lagrangian",
            10,
            "coefficient",
            knob -> with(AugmentedLagrangian::new, knob),
            (task, rate, knob) ->
                step(new SimultaneousOptimizer<>(task, adam(task, rate), sgd(task, knob / 100)))),
        new Algorithm(
            "quadratic penalty",
            10,
            "first coefficient",
            knob -> with(QuadraticPenalty::new, knob),
            (task, rate, knob) ->
                step(
                    new UnconstrainedOptimizer<>(task, adam(task, rate)),
                    new MultiplicativePenaltyCoefficientUpdater(1.001, 1e-6, false, 1e6))),
        new Algorithm(
            "SSL-ALM",
            10,
            "coefficient",
            knob -> with(AugmentedLagrangian::bothSides, knob),
            (task, rate, knob) -> {
              var optimizer =
                  new AlternatingDualPrimalOptimizer<>(
                      task, adam(task, rate), sgd(task, knob / 100));
              optimizer.beforePrimalStep(new MoreauEnvelope(2, 0.5));
              return step(optimizer);
            }),
        new Algorithm(
            "inexact ALM",
            1,
            "first coefficient",
            knob -> with(PenalizedLagrangian::new, knob),
            (task, rate, knob) -> {
              var optimizer =
                  new AlternatingDualPrimalOptimizer<>(task, adam(task, rate), sgd(task, 1));
              optimizer.beforeDualStep(new PenaltySteps(0.1));
              return step(optimizer, ofEveryConstraint(1.001, 1e4));
            }),
        new Algorithm(
            "PBM",
            0.1,
            "1 − γ",
            false,
            knob ->
                (type, size, dtype) -> {
                  DenseMultiplier multiplier = new DenseMultiplier(filled(size, 1, dtype));
                  multiplier.clamp(1e-9, 1e4);
                  return new Constraint(
                      type,
                      PenaltyBarrier::new,
                      multiplier,
                      new DensePenaltyCoefficient(filled(size, 1, dtype)));
                },
            (task, rate, knob) ->
                step(
                    new SimultaneousOptimizer<>(task, adam(task, rate), sgd(task, knob)),
                    new PenaltyBarrierUpdater(PenaltyBarrierUpdater.Rule.ADAPT, 0.9)
                        .range(0.1, 1))),
        new Algorithm(
            "switching subgradient",
            1e-3,
            "tolerance",
            knob -> (type, size, dtype) -> new Constraint(type, Switched::new, null, null),
            (task, rate, knob) ->
                step(new SwitchingSubgradientOptimizer<>(task, adam(task, rate), knob, 1))));
  }

  private static Constraints with(Function<ConstraintType, Formulation> formulation) {
    return (type, size, dtype) ->
        new Constraint(type, formulation, new DenseMultiplier(filled(size, 0, dtype)), null);
  }

  private static Constraints with(Function<ConstraintType, Formulation> formulation, double c) {
    return (type, size, dtype) ->
        new Constraint(
            type,
            formulation,
            formulation.apply(type).expectsMultiplier()
                ? new DenseMultiplier(filled(size, 0, dtype))
                : null,
            new DensePenaltyCoefficient(filled(size, c, dtype)));
  }

  private static Tensor filled(long size, double value, ScalarType dtype) {
    return full(new long[] {size}, new Scalar(value)).to(dtype);
  }

  private static Adam adam(Task task, double rate) {
    return new Adam(task.variables(), new AdamOptions(rate));
  }

  private static SGD sgd(Task task, double rate) {
    return new SGD(task.dualParameters(), new SGDOptions(rate));
  }

  private static ExtraAdam extraAdam(Task task, double rate) {
    return new ExtraAdam(task.variables(), new ExtraAdamOptions(rate));
  }

  private static ExtraSGD extraSgd(Task task, double rate) {
    return new ExtraSGD(task.dualParameters(), new ExtraSGDOptions(rate));
  }

  private static Step step(CooperOptimizer<Batch> optimizer) {
    return optimizer::roll;
  }

  private static Step step(CooperOptimizer<Batch> optimizer, PenaltyCoefficientUpdater updater) {
    return batch -> updater.step(optimizer.roll(batch).cmpState().observedConstraints());
  }
}
