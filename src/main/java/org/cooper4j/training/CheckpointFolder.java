package org.cooper4j.training;

import java.util.Collection;
import java.util.Map;
import org.cooper4j.checkpoint.CheckpointException;

/**
 * Where {@link Checkpoints} keep their files, unless that is a folder of this machine: on another
 * file system, for example. It need not be there before the first file. What an implementation
 * throws beside what is said here ends the training; its {@code toString} names it in messages.
 */
public interface CheckpointFolder {
  /** The names of the files that there are, in any order; those of others may be among them. */
  Collection<String> names();

  /**
   * Reads a file.
   *
   * @throws CheckpointException if it is damaged, or is gone since it was listed; an older one is
   *     tried then
   */
  Map<String, Object> load(String name);

  /** Writes a file, in place of one of that name. All of it is there afterwards, or none. */
  void save(String name, Map<String, ?> state);

  /** Deletes a file, if it is there. */
  void delete(String name);
}
