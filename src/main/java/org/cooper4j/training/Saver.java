package org.cooper4j.training;

/**
 * A listener whose files the training goes on from. It starts and ends before the others, and hears
 * of steps after them, so that what it saves is whole; of several processes the first one alone has
 * the files.
 */
abstract sealed class Saver implements TrainingListener permits Checkpoints, CooperCheckpoint {
  /**
   * Makes the place of its files, in the process that has them, before anything starts.
   *
   * @throws java.io.UncheckedIOException if nothing can be written there
   */
  void prepare() {}
}
