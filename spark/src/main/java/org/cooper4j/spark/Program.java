package org.cooper4j.spark;

import java.io.Serializable;
import org.cooper4j.data.Batch;
import org.cooper4j.data.TensorDataset;
import org.cooper4j.distributed.ProcessGroup;
import org.cooper4j.training.Trainer;

/**
 * What every worker makes in order to train: problem, optimizer, and a trainer with all modules and
 * variables named. It runs in executors, so that whatever it captures is serialized; capture
 * numbers and texts, no tensors.
 *
 * <pre>{@code
 * Program program = (group, rows) -> {
 *   LinearImpl model = new LinearImpl(rows.inputs().size(1), 1);
 *   var problem = new Parity(model, group);
 *   var optimizer = new SimultaneousOptimizer<>(problem,
 *       new Adam(model.parameters(), new AdamOptions(1e-3)),
 *       new SGD(problem.dualParameters(), new SGDOptions(1e-2)));
 *   return new Trainer<>(optimizer).module("model", model);
 * };
 * }</pre>
 */
@FunctionalInterface
public interface Program extends Serializable {
  /**
   * Makes the trainer, with the same problem in all workers; the first one's variables are given to
   * the others. It does not train, nor does it {@link
   * org.cooper4j.optim.CooperOptimizer#distribute}: {@link SparkTrainer} does both.
   *
   * @param group of all workers, for the problem's sums such as {@link ProcessGroup#sum}; nothing
   *     is to be exchanged before the first roll
   * @param rows this worker's: inputs {@code [n, k]} and targets {@code [n, m]}, where n may be 0
   */
  Trainer<Batch> trainer(ProcessGroup group, TensorDataset rows);
}
