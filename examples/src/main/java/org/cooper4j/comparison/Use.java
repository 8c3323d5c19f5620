package org.cooper4j.comparison;

import java.util.List;
import java.util.function.Function;
import org.bytedeco.pytorch.global.torch;

/**
 * A training on mini-batches.
 *
 * @param name as the tables have it
 * @param rate of Adam for the model, which fits the loss alone
 * @param steps of a run
 * @param equalities whether it has some
 * @param smooth whether its constraints have gradients of their own
 * @param task what starts one, given what an algorithm makes of its constraints
 */
public record Use(
    String name,
    double rate,
    int steps,
    boolean equalities,
    boolean smooth,
    Function<Constraints, Task> task) {
  /** All of the comparison. */
  public static List<Use> all() {
    return List.of(
        new Use("MNIST, norm", 1e-3, 3000, false, true, NormMnist::new),
        new Use(
            "Adult, means",
            1e-2,
            3000,
            false,
            true,
            constraints -> new AdultParity(false, constraints)),
        new Use(
            "Adult, rates",
            1e-2,
            3000,
            false,
            false,
            constraints -> new AdultParity(true, constraints)),
        new Use("MNIST, L0", 1e-2, 3000, false, true, SparseMnist::new),
        new Use("PINN", 5e-3, 6000, true, true, Pinn::new));
  }

  /** The task at its start, the same one every time. */
  public Task start(Constraints constraints, int seed) {
    torch.manual_seed(seed);
    return task.apply(constraints);
  }
}
