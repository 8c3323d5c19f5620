package org.cooper4j.rates;

import static org.cooper4j.internal.Tensors.keep;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.internal.Tensors;

/**
 * Numerators and denominators over the last mini-batches, for rates of groups that a batch has few
 * of, or none.
 *
 * <pre>{@code
 * RunningSums recalls = new RunningSums(0.9); // once, for one rate
 * Rate recall = Rates.truePositiveRate(context).with(recalls); // in each batch
 * }</pre>
 *
 * <p>Mean sums m_t = Σ_s decay^(t−s) x_s / Σ_s decay^(t−s) take the place of the batch's x_t, in
 * 0-1 values and surrogates; the gradient is that of the batch's sums over the mean denominator,
 * ∂n_t / m̄_d − m̄_n / m̄_d² ∂d_t, so that a step counts an example as much in a batch with few of
 * its group. Bias: about 1 / (1 − decay) batches are counted, at the weights that they were seen
 * with, so the value lags behind the model by what it changes in decay / (1 − decay) steps; a
 * ratio's own bias falls to O((1 − decay) / d) of d counted examples a batch. TensorFlow
 * Constrained Optimization averages denominators alone, over the whole run.
 *
 * <p>Each evaluation counts as a batch, also one that an optimizer makes twice a step. Save it with
 * the checkpoint.
 */
public final class RunningSums implements UnaryOperator<Sums> {
  private static final String[] PARTS = {"value", "upper", "lower"};

  private final double decay;
  private double norm;
  private final Map<String, Tensor> means = new LinkedHashMap<>();

  /**
   * @param decay how much of the past is kept, in [0, 1): 0 is the batch alone
   * @throws IllegalArgumentException if it is not
   */
  public RunningSums(double decay) {
    if (!(decay >= 0 && decay < 1)) {
      throw new IllegalArgumentException(
          "the decay is " + decay + "; it must be >= 0 and < 1, such as 0.9");
    }
    this.decay = decay;
  }

  /**
   * Counts a batch.
   *
   * @return the mean sums
   * @throws IllegalArgumentException if there are other groups than before; nothing is counted then
   */
  @Override
  public Sums apply(Sums batch) {
    Tensor[] parts = {batch.value(), batch.upper(), batch.lower()};
    if (!means.isEmpty()) {
      Tensors.requireSameShape(
          means.get("value"), batch.value(), "running sums serve one rate of the same groups");
    }
    double newNorm = decay * norm + 1;
    for (int i = 0; i < PARTS.length; i++) {
      update(PARTS[i], parts[i], 1 / newNorm);
    }
    norm = newNorm;
    Tensor upper = straight(batch.upper(), "upper");
    return new Sums(
        means.get("value").clone(),
        upper,
        batch.lower() == batch.upper() ? upper : straight(batch.lower(), "lower"));
  }

  private void update(String part, Tensor sums, double share) {
    try (PointerScope temporaries = new PointerScope();
        NoGradGuard noGrad = new NoGradGuard()) {
      Tensor mean = means.get(part);
      if (mean != null && !onDeviceOf(sums, mean)) { // loaded from a file
        mean = keep(mean.to(sums.device(), ScalarType.Double));
        means.put(part, mean);
      }
      if (mean == null) {
        means.put(part, keep(sums.detach().clone()));
      } else {
        mean.add_(sums.sub(mean).mul(new Scalar(share)));
      }
    }
  }

  private static boolean onDeviceOf(Tensor sums, Tensor mean) {
    return sums.device().equals(mean.device());
  }

  /** The mean's value, with the gradient of the batch. */
  private Tensor straight(Tensor sums, String part) {
    return sums.add(means.get(part).sub(sums.detach()));
  }

  /** The mean sums and how many batches they count for; saved in checkpoints. */
  public Map<String, Object> stateDict() {
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("norm", norm);
    means.forEach((part, mean) -> state.put(part, mean.clone()));
    return state;
  }

  /**
   * Loads what {@link #stateDict()} gave.
   *
   * @throws IllegalArgumentException if it is something else; nothing changes then
   */
  public void loadStateDict(Map<String, ?> state) {
    if (!(state.get("norm") instanceof Double saved)
        || !(saved >= 0 && saved <= 1 / (1 - decay) * (1 + 1e-9))) {
      throw new IllegalArgumentException(
          "norm: expected a number >= 0 and <= "
              + 1 / (1 - decay)
              + ", for the decay "
              + decay
              + "; found "
              + state.get("norm"));
    }
    Map<String, Tensor> loaded = new LinkedHashMap<>();
    for (String part : saved == 0 ? new String[0] : PARTS) {
      if (!(state.get(part) instanceof Tensor mean)) {
        throw new IllegalArgumentException(part + ": missing from the running sums' state dict");
      }
      if (mean.dim() < 1 || mean.dim() > 2 || mean.size(0) != 3) {
        throw new IllegalArgumentException(
            part + ": expected shape [3] or [3, K], found " + Tensors.shape(mean));
      }
      Tensors.requireSameShape((Tensor) state.get(PARTS[0]), mean, part);
      Tensors.requireValues(mean, false, part);
      try (PointerScope temporaries = new PointerScope()) {
        loaded.put(part, keep(mean.detach().to(ScalarType.Double).clone()));
      }
    }
    norm = saved;
    means.clear();
    means.putAll(loaded);
  }
}
