package org.cooper4j.training;

/** Saves a training, and resumes it. */
public final class Checkpoints implements TrainingListener {
  /** Made next. */
  Checkpoints() {}
}
