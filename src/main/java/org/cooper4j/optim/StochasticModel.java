package org.cooper4j.optim;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.checkpoint.StateDict;
import org.cooper4j.internal.Tensors;

/**
 * A model that is one of several, drawn anew for every prediction: the mixture that {@link
 * Candidates#findBestCandidateDistribution} finds, with the candidates' states.
 *
 * <pre>{@code
 * StochasticModel mixture = new StochasticModel(probabilities, states, 0);
 * Tensor scores = mixture.scores(state -> {
 *   StateDict.load(model, state);
 *   return model.forward(inputs);
 * });
 * Checkpoint.save(path, mixture.stateDict());
 * }</pre>
 *
 * <p>Its expected rates are the means of the candidates' ones, if these are linear, as errors and
 * recalls are, but precisions are not.
 */
public final class StochasticModel {
  private static final double SUM_TOLERANCE = 1e-6;

  private final double[] probabilities;
  private final List<Map<String, Object>> states;
  private final long seed;
  private long draws;

  /**
   * A mixture; candidates that are never drawn are left out, the others copied.
   *
   * @param probabilities of each candidate, summing to 1
   * @param states of each candidate, such as {@code StateDict.of(module)}
   * @param seed of the draws, which are the same in each run
   * @throws IllegalArgumentException if there are not as many states, or these are no probabilities
   */
  public StochasticModel(double[] probabilities, List<? extends Map<String, ?>> states, long seed) {
    requireDistribution(probabilities);
    if (states.size() != probabilities.length) {
      throw new IllegalArgumentException(
          probabilities.length
              + " probabilities and "
              + states.size()
              + " states; expected one of each a candidate");
    }
    int[] drawn =
        IntStream.range(0, probabilities.length).filter(i -> probabilities[i] > 0).toArray();
    double sum = Arrays.stream(probabilities).sum();
    this.probabilities = Arrays.stream(drawn).mapToDouble(i -> probabilities[i] / sum).toArray();
    List<Map<String, Object>> kept = new ArrayList<>();
    for (int i : drawn) {
      kept.add(StateDict.copyOf(Objects.requireNonNull(states.get(i), "state")));
    }
    this.states = List.copyOf(kept);
    this.seed = seed;
  }

  private static void requireDistribution(double[] probabilities) {
    boolean good = Arrays.stream(probabilities).allMatch(p -> p >= 0);
    if (!good || !(Math.abs(Arrays.stream(probabilities).sum() - 1) <= SUM_TOLERANCE)) {
      throw new IllegalArgumentException(
          "the probabilities are "
              + Arrays.toString(probabilities)
              + "; expected numbers >= 0 that sum to 1");
    }
  }

  /** Of the candidates that are drawn; they sum to 1. */
  public double[] probabilities() {
    return probabilities.clone();
  }

  /** The states of the candidates that are drawn, in the order of {@link #probabilities()}. */
  public List<Map<String, Object>> states() {
    return states;
  }

  /** Draws a candidate: the state to predict with once. */
  public Map<String, Object> draw() {
    return states.get(index(random().nextDouble()));
  }

  /**
   * Predicts with a candidate of its own for each example.
   *
   * @param model gives a state's scores of all examples, {@code [n]} or {@code [n, C]}; it is asked
   *     once for each candidate
   * @return each row from the candidate that was drawn for it; no gradient
   * @throws IllegalArgumentException if scores are no such tensors, or of other shapes than before
   */
  public Tensor scores(Function<Map<String, Object>, Tensor> model) {
    try (NoGradGuard noGrad = new NoGradGuard()) {
      TensorVector all = new TensorVector();
      Tensor first = null;
      for (Map<String, Object> state : states) {
        Tensor scores = model.apply(state);
        Tensors.requireTensor(scores, "scores");
        if (scores.dim() == 0) {
          throw new IllegalArgumentException("scores are a scalar; expected a row an example");
        }
        first = first == null ? scores : first;
        Tensors.requireSameShape(first, scores, "a candidate's scores");
        all.push_back(scores);
      }
      SplittableRandom random = random();
      long n = first.size(0);
      long[] rows = new long[Math.toIntExact(n)];
      for (int i = 0; i < rows.length; i++) {
        rows[i] = index(random.nextDouble()) * n + i;
      }
      Tensor chosen = Tensor.create(rows).to(first.device(), ScalarType.Long);
      return torch.cat(all).index_select(0, chosen);
    }
  }

  /** The expected value of what is linear in the candidates, such as an error or a recall. */
  public double mean(ToDoubleFunction<Map<String, Object>> value) {
    double mean = 0;
    for (int i = 0; i < probabilities.length; i++) {
      mean += probabilities[i] * value.applyAsDouble(states.get(i));
    }
    return mean;
  }

  private SplittableRandom random() {
    return new SplittableRandom(new SplittableRandom(seed).nextLong() + draws++);
  }

  private int index(double uniform) {
    double sum = 0;
    for (int i = 0; i < probabilities.length - 1; i++) {
      sum += probabilities[i];
      if (uniform < sum) {
        return i;
      }
    }
    return probabilities.length - 1;
  }

  /** All that {@link #of} needs: probabilities, candidates, and where the draws are. */
  public Map<String, Object> stateDict() {
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("probabilities", Arrays.stream(probabilities).boxed().toList());
    state.put("states", new ArrayList<Object>(states));
    state.put("seed", seed);
    state.put("draws", draws);
    return state;
  }

  /**
   * Makes one of what {@link #stateDict()} gave; its draws go on from there.
   *
   * @throws IllegalArgumentException if it is something else
   */
  @SuppressWarnings("unchecked")
  public static StochasticModel of(Map<String, ?> stateDict) {
    if (!(stateDict.get("probabilities") instanceof List<?> probabilities)
        || !(stateDict.get("states") instanceof List<?> states)
        || !(stateDict.get("seed") instanceof Long seed)
        || !(stateDict.get("draws") instanceof Long draws)
        || !probabilities.stream().allMatch(Double.class::isInstance)
        || !states.stream().allMatch(Map.class::isInstance)) {
      throw new IllegalArgumentException(
          "expected the probabilities, states, seed and draws of a stochastic model, found "
              + stateDict.keySet());
    }
    StochasticModel model =
        new StochasticModel(
            probabilities.stream().mapToDouble(p -> (Double) p).toArray(),
            states.stream().map(state -> (Map<String, ?>) state).toList(),
            seed);
    model.draws = draws;
    return model;
  }

  @Override
  public String toString() {
    return "StochasticModel(probabilities=" + Arrays.toString(probabilities) + ")";
  }
}
