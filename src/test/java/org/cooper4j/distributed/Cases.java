package org.cooper4j.distributed;

import static org.cooper4j.ConstraintType.EQUALITY;
import static org.cooper4j.ConstraintType.INEQUALITY;
import static org.cooper4j.Devices.values;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.LBFGS;
import org.bytedeco.pytorch.LBFGSOptions;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.RollValues;
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.formulations.Exponential;
import org.cooper4j.formulations.Lagrangian;
import org.cooper4j.formulations.PenaltyBarrier;
import org.cooper4j.formulations.QuadraticPenalty;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.cooper4j.multipliers.ModuleMultiplier;
import org.cooper4j.optim.CooperOptimizer;
import org.cooper4j.optim.GradientHook;
import org.cooper4j.optim.LRScheduler;
import org.cooper4j.optim.Replicas;
import org.cooper4j.optim.RollOut;
import org.cooper4j.optim.Schedule;
import org.cooper4j.optim.Schemes;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.optim.UnconstrainedOptimizer;
import org.cooper4j.optim.torch.NuPI;
import org.cooper4j.optim.torch.NuPIOptions;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.cooper4j.penalties.IndexedPenaltyCoefficient;
import org.cooper4j.penalties.MultiplicativePenaltyCoefficientUpdater;
import org.cooper4j.penalties.PenaltyBarrierUpdater;
import org.cooper4j.rates.Fairness;
import org.cooper4j.rates.RateContext;
import org.cooper4j.rates.Rates;
import org.cooper4j.rates.Surrogate;

/**
 * Short trainings in float64, by the samples of one process or of several: logistic regression with
 * a constraint of every kind. Each leaves its variables and the numbers of all rolls.
 */
final class Cases {
  private static final int SAMPLES = 48;
  private static final int FEATURES = 3;
  private static final int STEPS = 8;

  /** Uneven over two and three ranks; the last leaves ranks without a row. */
  private static final int[] BATCHES = {12, 7, 5, 8, 12, 11, 2, 1};

  private final ProcessGroup group;
  private final Replicas replicas;
  private final UnaryOperator<Tensor> sum;
  private final int[] batches;
  private final Tensor inputs;
  private final Tensor labels;
  private final Tensor men;

  Cases(ProcessGroup group) {
    this(group, group, group::sum, BATCHES);
  }

  /** Joined and summed otherwise, with batches of so many samples. */
  Cases(ProcessGroup group, Replicas replicas, UnaryOperator<Tensor> sum, int... batches) {
    this.group = group;
    this.replicas = replicas;
    this.sum = sum;
    this.batches = batches;
    double[] x = new double[SAMPLES * FEATURES];
    double[] y = new double[SAMPLES];
    double[] m = new double[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
      for (int k = 0; k < FEATURES; k++) {
        x[i * FEATURES + k] = Math.sin(1 + 3.7 * i + 1.9 * k * (i % 5 + 1));
      }
      y[i] = x[i * FEATURES] + 0.5 * x[i * FEATURES + 1] + 0.3 * Math.cos(i) > 0 ? 1 : 0;
      m[i] = i % 3 == 0 ? 0 : 1;
    }
    inputs = Tensor.create(x, SAMPLES, FEATURES);
    labels = Tensor.create(y, SAMPLES);
    men = Tensor.create(m, SAMPLES);
  }

  /** The samples of a step that are this process's. */
  private long[] rows(int step) {
    int n = batches[step % batches.length];
    return IntStream.range(0, n)
        .filter(i -> i % group.size() == group.rank())
        .mapToLong(i -> (step * 13L + i) % SAMPLES)
        .toArray();
  }

  /** The scores of some samples. */
  private record Scores(Tensor rows, Tensor score, Tensor label, Tensor men, long size) {
    Tensor loss() {
      return torch.binary_cross_entropy_with_logits(score, label);
    }

    /** As if a few rows were in the batch time and again. */
    Scores repeated() {
      return new Scores(rows.remainder(new Scalar(5)), score, label, men, size);
    }

    Tensor positive() {
      return score.gt(new Scalar(0)).to(ScalarType.Double);
    }
  }

  private Scores scores(Tensor w, long[] rows) {
    Tensor indices = Tensor.create(rows, rows.length);
    return new Scores(
        indices,
        inputs.index_select(0, indices).matmul(w),
        labels.index_select(0, indices),
        men.index_select(0, indices),
        rows.length);
  }

  /** What is observed of a constraint, and how it is said. */
  private interface Observation {
    ConstraintState of(Scores scores, Tensor w);
  }

  private static ConstraintState plain(Tensor violation) {
    return ConstraintState.of(violation);
  }

  private static ConstraintState.Builder builder(Tensor violation) {
    return ConstraintState.builder(violation);
  }

  /** At least 70 % shall score positive; the sigmoid's mean stands in for it. */
  private static ConstraintState rate(Scores s, Tensor w) {
    return plain(level(s.score().sigmoid().mean()));
  }

  private static ConstraintState strictRate(Scores s, Tensor w) {
    return builder(level(s.score().sigmoid().mean()))
        .strictViolation(level(s.positive().mean()))
        .build();
  }

  private static Tensor level(Tensor rate) {
    return rate.neg().add(new Scalar(0.7)).unsqueeze(0);
  }

  /** Two norms, that do not depend on samples. */
  private static ConstraintState norms(Scores s, Tensor w) {
    return plain(
        torch.stack(new TensorVector(w.square().sum(), w.abs().sum())).sub(new Scalar(0.05)));
  }

  private ConstraintState parity(Scores s, Tensor w) {
    return plain(gap(s.score().sigmoid(), s.men()));
  }

  private ConstraintState strictParity(Scores s, Tensor w) {
    return builder(gap(s.score().sigmoid(), s.men()))
        .strictViolation(gap(s.positive(), s.men()))
        .build();
  }

  private Tensor gap(Tensor score, Tensor men) {
    Tensor women = men.neg().add(new Scalar(1));
    Tensor sums =
        sum.apply(
            torch.stack(
                new TensorVector(score.dot(men), men.sum(), score.dot(women), women.sum())));
    Tensor one = torch.ones(new long[] {}, new TensorOptions(ScalarType.Double));
    Tensor gap =
        sums.get(0)
            .div(torch.maximum(sums.get(1), one))
            .sub(sums.get(2).div(torch.maximum(sums.get(3), one)));
    return gap.abs().sub(new Scalar(0.05)).unsqueeze(0);
  }

  /** Variance of the scores, by a sum that is made of another one. */
  private ConstraintState variance(Scores s, Tensor w) {
    Tensor n = sum.apply(torch.ones_like(s.score()).sum());
    Tensor mean = sum.apply(s.score().sum()).div(n);
    Tensor variance = sum.apply(s.score().sub(mean).square().sum()).div(n);
    return plain(variance.neg().add(new Scalar(0.5)).unsqueeze(0));
  }

  /** Of three groups, of which processes and small batches miss some. */
  private static RateContext context(Scores s) {
    return RateContext.of(s.score(), s.label()).groupBy(s.rows().remainder(new Scalar(3)), 3);
  }

  private ConstraintState recalls(Scores s, Tensor w) {
    return Rates.truePositiveRate(context(s)).with(sums -> sums.map(sum)).atLeast(0.8);
  }

  private ConstraintState precisions(Scores s, Tensor w) {
    RateContext all = context(s).with(Surrogate.hinge()).summedBy(sum);
    return Rates.precision(all).atLeast(0.8);
  }

  private ConstraintState odds(Scores s, Tensor w) {
    return Fairness.EQUALISED_ODDS.deviations(context(s).summedBy(sum)).within(0.05);
  }

  /** Each sample's loss is at most 0.5. */
  private static ConstraintState everyRow(Scores s, Tensor w) {
    return builder(rowLoss(s)).constraintFeatures(s.rows()).build();
  }

  private static ConstraintState everyStrictRow(Scores s, Tensor w) {
    return builder(rowLoss(s))
        .constraintFeatures(s.rows())
        .strictViolation(s.label().sub(s.positive()).abs().sub(new Scalar(0.2)))
        .strictConstraintFeatures(s.rows())
        .build();
  }

  private static ConstraintState everyPenalizedRow(Scores s, Tensor w) {
    return builder(rowLoss(s)).constraintFeatures(s.rows()).contributesToDualUpdate(false).build();
  }

  private ConstraintState everyInput(Scores s, Tensor w) {
    return builder(rowLoss(s)).constraintFeatures(inputs.index_select(0, s.rows())).build();
  }

  private static Tensor rowLoss(Scores s) {
    Tensor signs = s.label().mul(new Scalar(2)).sub(new Scalar(1));
    return torch.softplus(s.score().mul(signs).neg()).sub(new Scalar(0.5));
  }

  private static DenseMultiplier dense(long n) {
    return new DenseMultiplier(n, new Device("cpu"), ScalarType.Double);
  }

  private static IndexedMultiplier indexed() {
    return new IndexedMultiplier(SAMPLES, new Device("cpu"), ScalarType.Double);
  }

  private static ModuleMultiplier module() {
    LinearImpl linear = new LinearImpl(FEATURES, 1);
    linear.to(new Device("cpu"), ScalarType.Double, false);
    try (NoGradGuard noGrad = new NoGradGuard()) {
      linear.weight().fill_(new Scalar(0.3));
      linear.bias().fill_(new Scalar(0.1));
    }
    return new ModuleMultiplier(
        linear, features -> torch.softplus(linear.forward(features)).flatten());
  }

  private static DensePenaltyCoefficient penalty(double... values) {
    return new DensePenaltyCoefficient(Tensor.create(values, values.length));
  }

  private static IndexedPenaltyCoefficient indexedPenalty() {
    double[] values = new double[SAMPLES];
    Arrays.fill(values, 0.5);
    return new IndexedPenaltyCoefficient(Tensor.create(values, SAMPLES));
  }

  /** The kinds of constraints, each with a way to be made and to be observed. */
  private enum Kind {
    RATE,
    STRICT_RATE,
    AUGMENTED,
    AUGMENTED_STRICT,
    QUADRATIC,
    EXPONENTIAL,
    NORMS,
    PARITY,
    AUGMENTED_PARITY,
    VARIANCE,
    RECALLS,
    PRECISIONS,
    ODDS,
    ROWS,
    AUGMENTED_ROWS,
    QUADRATIC_ROWS,
    REPEATED_ROWS,
    AUGMENTED_REPEATED_ROWS,
    QUADRATIC_REPEATED_ROWS,
    BARRIER_REPEATED_ROWS,
    MODULE;

    Constraint make() {
      return switch (this) {
        case RATE, STRICT_RATE, PARITY, VARIANCE ->
            new Constraint(INEQUALITY, Lagrangian::new, dense(1), null);
        case AUGMENTED, AUGMENTED_STRICT, AUGMENTED_PARITY ->
            new Constraint(INEQUALITY, AugmentedLagrangian::new, dense(1), penalty(2));
        case RECALLS, PRECISIONS -> new Constraint(INEQUALITY, Lagrangian::new, dense(3), null);
        case ODDS -> new Constraint(INEQUALITY, Lagrangian::new, dense(12), null);
        case QUADRATIC -> new Constraint(INEQUALITY, QuadraticPenalty::new, null, penalty(2));
        case EXPONENTIAL -> new Constraint(INEQUALITY, Exponential::new, dense(1), null);
        case NORMS -> new Constraint(EQUALITY, Lagrangian::new, dense(2), null);
        case ROWS, REPEATED_ROWS -> new Constraint(INEQUALITY, Lagrangian::new, indexed(), null);
        case AUGMENTED_ROWS, AUGMENTED_REPEATED_ROWS ->
            new Constraint(INEQUALITY, AugmentedLagrangian::new, indexed(), indexedPenalty());
        case BARRIER_REPEATED_ROWS ->
            new Constraint(INEQUALITY, PenaltyBarrier::new, indexed(), indexedPenalty());
        case QUADRATIC_ROWS, QUADRATIC_REPEATED_ROWS ->
            new Constraint(INEQUALITY, QuadraticPenalty::new, null, indexedPenalty());
        case MODULE -> new Constraint(INEQUALITY, Lagrangian::new, module(), null);
      };
    }

    Observation observation(Cases cases) {
      return switch (this) {
        case RATE, AUGMENTED, EXPONENTIAL -> Cases::rate;
        case QUADRATIC ->
            (s, w) -> builder(rate(s, w).violation()).contributesToDualUpdate(false).build();
        case STRICT_RATE, AUGMENTED_STRICT -> Cases::strictRate;
        case NORMS -> Cases::norms;
        case PARITY -> cases::parity;
        case AUGMENTED_PARITY -> cases::strictParity;
        case VARIANCE -> cases::variance;
        case RECALLS -> cases::recalls;
        case PRECISIONS -> cases::precisions;
        case ODDS -> cases::odds;
        case ROWS -> Cases::everyRow;
        case AUGMENTED_ROWS -> Cases::everyStrictRow;
        case QUADRATIC_ROWS -> Cases::everyPenalizedRow;
        case REPEATED_ROWS, BARRIER_REPEATED_ROWS -> (s, w) -> everyRow(s.repeated(), w);
        case AUGMENTED_REPEATED_ROWS -> (s, w) -> everyStrictRow(s.repeated(), w);
        case QUADRATIC_REPEATED_ROWS -> (s, w) -> everyPenalizedRow(s.repeated(), w);
        case MODULE -> cases::everyInput;
      };
    }

    boolean hasMultiplier() {
      return this != QUADRATIC && this != QUADRATIC_ROWS && this != QUADRATIC_REPEATED_ROWS;
    }
  }

  /** A problem that begins. */
  private final class Problem {
    final Tensor w = torch.zeros(new long[] {FEATURES}, doubles()).requires_grad_(true);
    final ConstrainedMinimizationProblem<long[]> cmp;
    final List<Constraint> constraints = new ArrayList<>();

    Problem(Kind... kinds) {
      Map<String, Constraint> named = new LinkedHashMap<>();
      for (Kind kind : kinds) {
        constraints.add(kind.make());
        named.put(kind.name().toLowerCase(Locale.ROOT), constraints.get(named.size()));
      }
      cmp =
          ConstrainedMinimizationProblem.of(
              named,
              rows -> {
                Scores scores = scores(w, rows);
                CMPState state = CMPState.of(scores.loss()).samples(scores.size());
                for (int k = 0; k < kinds.length; k++) {
                  state.observe(constraints.get(k), kinds[k].observation(Cases.this).of(scores, w));
                }
                return state.misc(
                    "accuracy", scores.positive().eq(scores.label()).to(ScalarType.Double).mean());
              });
    }

    TensorVector primal() {
      return new TensorVector(w);
    }

    double[] end(List<Double> log) {
      List<Double> all = new ArrayList<>(log);
      add(all, values(w));
      cmp.multipliers().forEach(m -> m.parameters().forEach(p -> add(all, values(p))));
      constraints.forEach(c -> c.penaltyCoefficient().ifPresent(p -> add(all, values(p.value()))));
      return all.stream().mapToDouble(Double::doubleValue).toArray();
    }
  }

  static TensorOptions doubles() {
    return new TensorOptions(ScalarType.Double);
  }

  private static void add(List<Double> all, double[] values) {
    for (double value : values) {
      all.add(value);
    }
  }

  /** Trains, and logs what every roll gives; rows are sorted, since their order is the ranks'. */
  private double[] train(Problem problem, CooperOptimizer<long[]> optimizer, Runnable afterStep) {
    optimizer.distribute(replicas);
    var updater = new MultiplicativePenaltyCoefficientUpdater(1.1, 0.01, false, 100);
    var barrier = new PenaltyBarrierUpdater(PenaltyBarrierUpdater.Rule.ADAPT, 0.5);
    List<Double> log = new ArrayList<>();
    for (int step = 0; step < STEPS; step++) {
      RollOut out = optimizer.roll(rows(step));
      log(log, out.values());
      updater.step(out.cmpState().observedConstraints());
      barrier.step(out.cmpState().observedConstraints());
      afterStep.run();
    }
    return problem.end(log);
  }

  private static void log(List<Double> log, RollValues values) {
    log.add(values.loss().orElseThrow());
    for (var named : List.of(values.violations(), values.strictViolations())) {
      for (double[] some : named.values()) {
        double[] sorted = some.clone();
        Arrays.sort(sorted);
        add(log, sorted);
      }
    }
    values.misc().values().forEach(log::add);
  }

  interface Case {
    double[] run();
  }

  /** All, by name, in the order in which every process runs them. */
  Map<String, Case> all() {
    Map<String, Case> cases = new LinkedHashMap<>();
    for (Kind kind : Kind.values()) {
      for (Schemes scheme : kind.hasMultiplier() ? Schemes.values() : new Schemes[0]) {
        cases.put(
            kind + " " + scheme,
            () -> {
              Problem problem = new Problem(kind);
              return train(problem, scheme.sgd(problem.cmp, problem.primal(), 0.3), () -> {});
            });
      }
    }
    for (Kind kind : List.of(Kind.QUADRATIC, Kind.QUADRATIC_ROWS, Kind.QUADRATIC_REPEATED_ROWS)) {
      cases.put(
          kind + " UNCONSTRAINED",
          () -> {
            Problem problem = new Problem(kind);
            return train(
                problem,
                new UnconstrainedOptimizer<>(
                    problem.cmp, new SGD(problem.primal(), new SGDOptions(0.3))),
                () -> {});
          });
    }
    cases.put(
        "all kinds, Adam",
        () -> {
          Problem problem = new Problem(Kind.values());
          return train(
              problem,
              simultaneous(problem, new Adam(problem.primal(), new AdamOptions(0.05))),
              () -> {});
        });
    cases.put("nuPI", this::nuPi);
    cases.put("LBFGS", this::lbfgs);
    cases.put("learning rates and clipping", this::scheduled);
    cases.put("micro-batches", this::accumulated);
    return cases;
  }

  private static SimultaneousOptimizer<long[]> simultaneous(Problem problem, Optimizer primal) {
    return new SimultaneousOptimizer<>(
        problem.cmp, primal, new SGD(problem.cmp.dualParameters(), new SGDOptions(0.2)));
  }

  private double[] nuPi() {
    Problem problem = new Problem(Kind.STRICT_RATE, Kind.NORMS, Kind.ROWS);
    return train(
        problem,
        new SimultaneousOptimizer<>(
            problem.cmp,
            new SGD(problem.primal(), new SGDOptions(0.2)),
            new NuPI(
                problem.cmp.dualParameters(), new NuPIOptions(0.1).kp(1.0).ki(1.0).emaNu(0.5))),
        () -> {});
  }

  private double[] lbfgs() {
    Problem problem = new Problem(Kind.AUGMENTED, Kind.NORMS);
    LBFGSOptions options = new LBFGSOptions(0.1);
    options.max_iter().put(1);
    return train(problem, simultaneous(problem, new LBFGS(problem.primal(), options)), () -> {});
  }

  private double[] scheduled() {
    Problem problem = new Problem(Kind.AUGMENTED, Kind.PARITY);
    SGD primal = new SGD(problem.primal(), new SGDOptions(0.3));
    var optimizer = simultaneous(problem, primal);
    LRScheduler scheduler = new LRScheduler(primal, Schedule.step(2, 0.5));
    optimizer.beforePrimalStep(GradientHook.clipNorm(0.1));
    return train(problem, optimizer, scheduler::step);
  }

  private double[] accumulated() {
    Problem problem = new Problem(Kind.AUGMENTED, Kind.PARITY, Kind.ROWS, Kind.MODULE);
    var optimizer = simultaneous(problem, new SGD(problem.primal(), new SGDOptions(0.3)));
    optimizer.distribute(replicas);
    List<Double> log = new ArrayList<>();
    for (int step = 0; step < 4; step++) {
      // Ratios over micro-batches are those of a micro-batch, of which all ranks have a share.
      List<long[]> parts = new ArrayList<>();
      for (int part = 0; part < 2; part++) {
        int from = part * 9;
        int at = step;
        parts.add(
            IntStream.range(from, from + (part == 0 ? 9 : 2))
                .filter(i -> i % group.size() == group.rank())
                .mapToLong(i -> (at * 13L + i) % SAMPLES)
                .toArray());
      }
      log(log, optimizer.rollAccumulated(parts).values());
    }
    return problem.end(log);
  }

  /** The variables at which gradient descent on a problem with such constraints ends. */
  double[] variables(String... kinds) {
    Kind[] all = Arrays.stream(kinds).map(Kind::valueOf).toArray(Kind[]::new);
    Problem problem = new Problem(all);
    CooperOptimizer<long[]> optimizer =
        Arrays.stream(all).anyMatch(Kind::hasMultiplier)
            ? Schemes.SIMULTANEOUS.sgd(problem.cmp, problem.primal(), 0.3)
            : new UnconstrainedOptimizer<>(
                problem.cmp, new SGD(problem.primal(), new SGDOptions(0.3)));
    train(problem, optimizer, () -> {});
    return problem.end(List.of());
  }

  /** Runs all and writes them to a file: a name, a tab, numbers in hexadecimal. */
  public static void main(String[] arguments) {
    try (ProcessGroup group = ProcessGroup.fromEnvironment()) {
      Cases cases = new Cases(group);
      StringBuilder text = new StringBuilder();
      cases
          .all()
          .forEach(
              (name, run) -> {
                try (PointerScope scope = new PointerScope()) {
                  write(text, name, run.run());
                } catch (RuntimeException e) {
                  throw new IllegalStateException("case '" + name + "': " + e.getMessage(), e);
                }
              });
      Files.writeString(Path.of(arguments[0] + group.rank()), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static void write(StringBuilder text, String name, double... values) {
    text.append(name).append('\t');
    for (double value : values) {
      text.append(Double.toHexString(value)).append(' ');
    }
    text.append('\n');
  }

  /** What {@link #main} wrote. */
  static Map<String, double[]> read(Path file) throws IOException {
    Map<String, double[]> read = new LinkedHashMap<>();
    for (String line : Files.readAllLines(file)) {
      String[] parts = line.split("\t");
      double[] values =
          Arrays.stream(parts[1].trim().split(" ")).mapToDouble(Double::parseDouble).toArray();
      read.put(parts[0], values);
    }
    return read;
  }
}
