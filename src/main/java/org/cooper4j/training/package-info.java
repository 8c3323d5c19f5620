/**
 * A training loop made of what everybody can call: {@code roll}, and listeners around it. {@link
 * org.cooper4j.training.Trainer} is the loop, a {@link org.cooper4j.training.TrainingListener}
 * whatever else a training needs: records, validation, checkpoints, early stopping.
 *
 * <pre>{@code
 * History history = new History(10);
 * Training end =
 *     new Trainer<>(optimizer)
 *         .module("model", model)
 *         .listen(
 *             Stepped.everyEpoch(scheduler),
 *             new Validation<>(problem, validationLoader),
 *             EarlyStopping.feasiblePlateau(3).of("validation"),
 *             new BestFeasible("validation"),
 *             new StopOnNaN(),
 *             history,
 *             new ProgressBar(),
 *             new Checkpoints(folder))
 *         .fit(loader, 20);
 * double[] losses = history.values("validation/loss");
 * }</pre>
 *
 * <p>Started again with the same folder, this goes on where it was, also after Ctrl-C.
 */
package org.cooper4j.training;
