/**
 * A training loop made of what everybody can call: {@code roll}, and listeners around it. {@link
 * org.cooper4j.training.Trainer} is the loop, a {@link org.cooper4j.training.TrainingListener}
 * whatever else a training needs: records, validation, checkpoints, early stopping.
 */
package org.cooper4j.training;
