package org.cooper4j.rates;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.internal.Native;
import org.cooper4j.internal.Tensors;

/**
 * What rates are counted over: n scored examples, with labels, weights and groups. Mirrors the
 * contexts of TensorFlow Constrained Optimization.
 *
 * <pre>{@code
 * RateContext all = RateContext.of(logits, labels);
 * Rate recall = Rates.truePositiveRate(all.groupBy(sex, 2));           // [2]
 * Rate ofAdults = Rates.truePositiveRate(all.where(age.ge(new Scalar(18)))); // a scalar
 * }</pre>
 *
 * <p>A score above 0 is a positive prediction; one of exactly 0 counts half. Of C classes the one
 * with the highest score is predicted; equal ones share the prediction. Subtract 0.5 from
 * probabilities, or another threshold, first.
 *
 * <p>Every method gives another context and leaves this one as it is. Values are checked, which
 * waits for a CUDA device.
 */
public final class RateContext {
  private final Tensor scores;
  private final Tensor labels; // float64 0 or 1 [n]; of classes int64 [n]; null without
  private final Tensor weights; // float64 [n]; null where all are 1
  private final Groups groups;
  private final Tensor positives; // boolean [1, C]; null without
  private final Surrogate surrogate;
  private final UnaryOperator<Tensor> sum; // of what other contexts have; null without
  private Tensor total;
  private Decisions decisions;

  private RateContext(
      Tensor scores,
      Tensor labels,
      Tensor weights,
      Groups groups,
      Tensor positives,
      Surrogate surrogate,
      UnaryOperator<Tensor> sum) {
    this.scores = scores;
    this.labels = labels;
    this.weights = weights;
    this.groups = groups;
    this.positives = positives;
    this.surrogate = surrogate;
    this.sum = sum;
  }

  /**
   * A context with labels.
   *
   * @param scores floating point logits {@code [n]}, or {@code [n, C]} of C ≥ 2 classes; rates are
   *     float64 if these are, else float32, while sums are float64 in any case
   * @param labels {@code [n]} of any dtype: 0 or 1, or classes 0 to C − 1
   * @throws IllegalArgumentException if shapes, dtypes or devices do not fit, a score is NaN, or a
   *     label none of these numbers
   */
  public static RateContext of(Tensor scores, Tensor labels) {
    RateContext context = of(scores);
    context.requireRows(labels, "labels");
    if (scores.dim() == 2) {
      return context.with(whole(labels, scores.size(1), "labels", "label", ""));
    }
    Tensor numbers = Native.binaryLabels(labels);
    return context.with(numbers.defined() ? numbers : whole(labels, 2, "labels", "label", ""));
  }

  /**
   * A context without labels, for rates of predictions alone.
   *
   * @param scores as {@link #of(Tensor, Tensor)}'s
   */
  public static RateContext of(Tensor scores) {
    Tensors.requireTensor(scores, "scores");
    Tensors.requireFloatingPoint(scores, "scores");
    if (scores.dim() != 1 && (scores.dim() != 2 || scores.size(1) < 2)) {
      throw new IllegalArgumentException(
          "scores have shape "
              + Tensors.shape(scores)
              + "; expected [n], or [n, C] of at least 2 classes; squeeze(1) those of one column");
    }
    if (Native.hasNan(scores)) {
      throw new IllegalArgumentException(
          "a score is NaN, which predicts nothing; look for the step that made it so");
    }
    return new RateContext(scores, null, null, Groups.NONE, null, Surrogate.sigmoid(), null);
  }

  private RateContext with(Tensor newLabels) {
    return new RateContext(scores, newLabels, weights, groups, positives, surrogate, sum);
  }

  /** The same examples, scored otherwise. */
  RateContext withScores(Tensor newScores) {
    return new RateContext(newScores, labels, weights, groups, positives, surrogate, sum);
  }

  /** This context with another stand-in for decisions in training; the sigmoid unless set. */
  public RateContext with(Surrogate newSurrogate) {
    return new RateContext(scores, labels, weights, groups, positives, newSurrogate, sum);
  }

  /**
   * The examples of several contexts, such as those of all processes, of which this one has some:
   * every rate is made of sums over all of them.
   *
   * <pre>{@code
   * RateContext all = RateContext.of(logits, labels).groupBy(age, 5).summedBy(group::sum);
   * }</pre>
   *
   * <p>Rates that sort examples, such as the areas under curves, and reports are not made of sums:
   * they need all examples here.
   *
   * @param sum adds a float64 tensor up over all contexts, element by element, and is
   *     differentiable, as {@code ProcessGroup.sum} is; called once for each rate
   * @throws NullPointerException if it is null
   */
  public RateContext summedBy(UnaryOperator<Tensor> sum) {
    Objects.requireNonNull(sum, "sum");
    return new RateContext(scores, labels, weights, groups, positives, surrogate, sum);
  }

  /** The rate over the examples of all contexts. */
  Rate summed(Rate own) {
    return sum == null ? own : own.with(this::summed);
  }

  private Sums summed(Sums own) {
    boolean smooth = own.lower() == own.upper();
    TensorVector parts =
        smooth
            ? new TensorVector(own.value(), own.upper())
            : new TensorVector(own.value(), own.upper(), own.lower());
    Tensor all = sum.apply(torch.stack(parts));
    Tensor upper = all.select(0, 1);
    return new Sums(all.select(0, 0).detach(), upper, smooth ? upper : all.select(0, 2));
  }

  void requireAllHere(String what) {
    if (sum != null) {
      throw new IllegalArgumentException(
          what
              + " is not made of sums over examples; gather the scores and labels of all first, and"
              + " leave summedBy out");
    }
  }

  /**
   * Multiplies each example's weight.
   *
   * @param factors {@code [n]}, finite and ≥ 0; an example of weight 0 is as good as not there
   * @throws IllegalArgumentException if they are not
   */
  public RateContext weighted(Tensor factors) {
    requireRows(factors, "weights");
    Tensors.requireValues(factors, true, "weights");
    return multiplied(factors.detach().to(ScalarType.Double));
  }

  /**
   * Keeps some examples; masks of masks nest.
   *
   * @param mask {@code [n]}, boolean, or of numbers in [0, 1] for partial membership
   * @throws IllegalArgumentException if it is not
   */
  public RateContext where(Tensor mask) {
    requireRows(mask, "mask");
    return multiplied(membership(mask, "mask"));
  }

  private RateContext multiplied(Tensor factors) {
    Tensor product = weights == null ? factors : weights.mul(factors);
    return new RateContext(scores, labels, product, groups, positives, surrogate, sum);
  }

  /**
   * Splits into groups that do not overlap: rates become vectors {@code [K]}. Splitting again gives
   * the intersections, group {@code i * K2 + j} of both splits.
   *
   * @param codes {@code [n]} of any dtype: the group of each example, 0 to {@code count} − 1
   * @param count the number K of groups; some may have no example
   * @throws IllegalArgumentException if a code is none of these
   */
  public RateContext groupBy(Tensor codes, int count) {
    return grouped(Groups.ofCodes(codes(codes, count), count));
  }

  /** {@link #groupBy(Tensor, int)} with groups that have names, for reports. */
  public RateContext groupBy(Tensor codes, List<String> names) {
    return grouped(Groups.ofCodes(codes(codes, names.size()), List.copyOf(names)));
  }

  private Tensor codes(Tensor codes, int count) {
    requireRows(codes, "group codes");
    if (count < 1) {
      throw new IllegalArgumentException("there are " + count + " groups; expected at least 1");
    }
    String otherwise = "; an example of no group needs where(mask), or a group of its own";
    return whole(codes, count, "group codes", "group", otherwise);
  }

  /**
   * Splits into groups that may overlap.
   *
   * @param masks {@code [K, n]}, boolean, or of numbers in [0, 1]: who belongs to each
   * @throws IllegalArgumentException if it is not
   */
  public RateContext groups(Tensor masks) {
    Tensors.requireTensor(masks, "group masks");
    if (masks.dim() != 2 || masks.size(1) != size() || masks.size(0) == 0) {
      throw new IllegalArgumentException(
          "group masks have shape "
              + Tensors.shape(masks)
              + "; expected [K, "
              + size()
              + "], a row for each of K >= 1 groups");
    }
    requireDevice(masks, "group masks");
    return grouped(Groups.ofMasks(membership(masks, "group masks")));
  }

  private RateContext grouped(Groups more) {
    return new RateContext(scores, labels, weights, groups.and(more), positives, surrogate, sum);
  }

  /** The same examples, all in one: rates are scalars. */
  public RateContext ungrouped() {
    return new RateContext(scores, labels, weights, Groups.NONE, positives, surrogate, sum);
  }

  /**
   * Says which classes are positive, for rates that tell positive from negative.
   *
   * @throws IllegalArgumentException unless scores are of classes, and these some but not all
   */
  public RateContext positive(int... classes) {
    if (!isMulticlass()) {
      throw new IllegalArgumentException(
          "scores [n] have no classes to choose from; give scores [n, C]");
    }
    long all = scores.size(1);
    long[] distinct = Arrays.stream(classes).asLongStream().distinct().toArray();
    if (distinct.length == 0
        || distinct.length == all
        || Arrays.stream(distinct).anyMatch(c -> c < 0 || c >= all)) {
      throw new IllegalArgumentException(
          "positive classes "
              + Arrays.toString(classes)
              + "; expected some but not all of 0 to "
              + (all - 1));
    }
    boolean[] members = new boolean[Math.toIntExact(all)];
    Arrays.stream(distinct).forEach(c -> members[(int) c] = true);
    try (Device device = scores.device()) {
      Tensor row = Tensor.create(members, 1, all).to(device, ScalarType.Bool);
      return new RateContext(scores, labels, weights, groups, row, surrogate, sum);
    }
  }

  /** The number n of examples, whatever their weights. */
  public long size() {
    return scores.size(0);
  }

  /** The groups' names in the order of a rate's elements; none if there is no split. */
  public List<String> groupNames() {
    return groups.names();
  }

  Device device() {
    return scores.device();
  }

  Tensor scores() {
    return scores;
  }

  Groups groups() {
    return groups;
  }

  Surrogate surrogate() {
    return surrogate;
  }

  boolean isMulticlass() {
    return scores.dim() == 2;
  }

  boolean hasLabels() {
    return labels != null;
  }

  boolean hasPositives() {
    return !isMulticlass() || positives != null;
  }

  ScalarType dtype() {
    return scores.scalar_type().intern() == ScalarType.Double
        ? ScalarType.Double
        : ScalarType.Float;
  }

  /** Float64 {@code [n]}; null where all are 1. */
  Tensor plainWeights() {
    return weights;
  }

  /** Float64 {@code [n]}. */
  Tensor weights() {
    if (weights != null) {
      return weights;
    }
    try (Device device = scores.device()) {
      return torch.ones(
          new long[] {size()},
          new TensorOptions(ScalarType.Double).device(new DeviceOptional(device)));
    }
  }

  /** The sum of all weights of each group. */
  Tensor total() {
    if (total == null || total.isNull()) {
      total = groups.sum(weights());
    }
    return total;
  }

  Tensor sum(Tensor values) {
    return groups.sum(weights == null ? values : values.mul(weights));
  }

  /** Whether each example's label is positive, float64 {@code [n]} of 0 or 1. */
  Tensor truth(String rate) {
    requireLabels(rate);
    if (!isMulticlass()) {
      return labels;
    }
    requirePositives(rate);
    return positives.squeeze(0).index_select(0, labels).to(ScalarType.Double);
  }

  /** Of predictions as positive. */
  Rate rate(Tally tally, String name) {
    Decisions positive = decisions(name);
    return tally.rate(this, positive, tally.needsNoLabels() ? null : truth(name));
  }

  /** The numerators of a rate. */
  Bounds sum(Tally tally, String name) {
    Decisions positive = decisions(name);
    return tally.sum(this, positive, tally.needsNoLabels() ? null : truth(name));
  }

  private Decisions decisions(String rate) {
    requirePositives(rate);
    if (decisions == null || decisions.value().isNull()) {
      decisions =
          isMulticlass()
              ? new Decisions(share(positives), false, surrogate.decide(scores, positives))
              : new Decisions(scores, true, surrogate.decide(() -> scores));
    }
    return decisions;
  }

  /** Whether each example of several classes is predicted right. */
  Decisions right(String rate) {
    requireLabels(rate);
    Tensor own;
    try (NoGradGuard noGrad = new NoGradGuard()) {
      own = labels.unsqueeze(1).eq(classes().unsqueeze(0));
    }
    return new Decisions(share(own), false, surrogate.decide(scores, own));
  }

  private Tensor classes() {
    try (Device device = scores.device()) {
      return torch.arange(
          new Scalar(scores.size(1)),
          new TensorOptions(ScalarType.Long).device(new DeviceOptional(device)));
    }
  }

  /** The share of the highest-scored classes that is in {@code members}. */
  private Tensor share(Tensor members) {
    Tensor plain = scores.detach();
    Tensor best = plain.ge(plain.amax(new long[] {1}, true)).to(ScalarType.Double);
    return best.mul(members.to(ScalarType.Double)).sum(1).div(best.sum(1));
  }

  /** One score an example, above 0 where it is predicted positive; {@code [n]}. */
  Tensor margins(String rate) {
    requirePositives(rate);
    if (!isMulticlass()) {
      return scores;
    }
    Scalar none = new Scalar(Double.NEGATIVE_INFINITY);
    return scores
        .masked_fill(positives.logical_not(), none)
        .logsumexp(1)
        .sub(scores.masked_fill(positives, none).logsumexp(1));
  }

  void requireLabels(String rate) {
    if (labels == null) {
      throw new IllegalArgumentException(
          rate + " needs labels; make the context with RateContext.of(scores, labels)");
    }
  }

  private void requirePositives(String rate) {
    if (!hasPositives()) {
      throw new IllegalArgumentException(
          rate + " of classes needs to know which are positive; say context.positive(class, …)");
    }
  }

  private void requireRows(Tensor tensor, String what) {
    Tensors.requireTensor(tensor, what);
    if (tensor.dim() != 1 || tensor.size(0) != size()) {
      throw new IllegalArgumentException(
          what
              + " have shape "
              + Tensors.shape(tensor)
              + "; expected ["
              + size()
              + "], one for each row of the scores");
    }
    requireDevice(tensor, what);
  }

  private void requireDevice(Tensor tensor, String what) {
    if (scores.is_cpu() && tensor.is_cpu()) {
      return;
    }
    try (Device ours = scores.device();
        Device theirs = tensor.device()) {
      if (ours.notEquals(theirs)) {
        throw new IllegalArgumentException(
            what
                + " are on "
                + theirs.str().getString()
                + ", scores on "
                + ours.str().getString()
                + "; move them to one device");
      }
    }
  }

  /** Numbers 0 to count − 1 as int64, from any dtype. */
  private static Tensor whole(
      Tensor tensor, long count, String what, String one, String otherwise) {
    Tensor numbers = Native.groupCodes(tensor, count);
    if (numbers.defined()) {
      return numbers;
    }
    Tensor doubles = tensor.detach().to(ScalarType.Double);
    Tensor bad =
        doubles
            .ge(Constants.ZERO)
            .logical_and(doubles.lt(new Scalar((double) count)))
            .logical_and(doubles.eq(doubles.floor()))
            .logical_not();
    throw new IllegalArgumentException(
        what
            + ": expected 0 to "
            + (count - 1)
            + ", found the "
            + one
            + " "
            + doubles.masked_select(bad).select(0, 0).item_double()
            + otherwise);
  }

  private static Tensor membership(Tensor mask, String what) {
    Tensor numbers = mask.detach().to(ScalarType.Double);
    if (mask.scalar_type().intern() != ScalarType.Bool) {
      Tensor good = numbers.ge(Constants.ZERO).logical_and(numbers.le(Constants.ONE));
      if (!good.all().item_bool()) {
        throw new IllegalArgumentException(
            what
                + ": expected booleans, or numbers from 0 to 1, found "
                + numbers.masked_select(good.logical_not()).select(0, 0).item_double());
      }
    }
    return numbers;
  }
}
