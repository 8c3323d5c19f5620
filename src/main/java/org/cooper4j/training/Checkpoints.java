package org.cooper4j.training;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.cooper4j.checkpoint.CheckpointException;
import org.cooper4j.internal.Log;
import org.cooper4j.optim.RollOut;

/**
 * Saves a training to a folder, and goes on from there when it is started again: {@code fit} with
 * this listener loads the newest checkpoint that is whole, if there is one. On the CPU the numbers
 * are then those of a run that was not interrupted, bit for bit; an empty folder starts anew.
 *
 * <p>Saved is {@link Training#stateDict()}, after every epoch, at the end, every n steps with
 * {@link #everySteps}, and when a roll threw; never with a variable that is not finite. At Ctrl-C,
 * or another signal that ends the JVM, the run stops after the step that it is in, and is saved
 * before the JVM goes; should that take longer than half a minute, the JVM goes all the same, with
 * a line on stderr. Files are {@code step-000000120.pt}; Python's stock {@code torch.load(path,
 * weights_only=True)} reads them.
 *
 * <p>Of several processes all have this listener, and call {@code distribute} before {@code fit}:
 * the first one reads and writes, the folders of the others stay empty, and all go on from what it
 * has. Saved is {@link Training#stateDictOfAll()}, to which all contribute: after a failure nothing
 * is, and the last file that was saved before stays the newest. A signal that ends one of the JVMs
 * stops and saves all after the next step.
 *
 * <p>A checkpoint has no data and no options: start with the same batches, optimizers and
 * listeners. Random numbers that a roll drew before it threw are not taken back.
 */
public final class Checkpoints extends Saver {
  private static final Pattern FILE = Pattern.compile("step-(\\d{9,18})\\.pt");
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final CheckpointFolder folder;
  private long every;
  private int keep = 2;
  private OptionalLong saved = OptionalLong.empty();
  private Thread hook;

  /**
   * Saves to a folder, which {@code fit} makes if it is not there, and of which it sees at its
   * start whether files can be written there. Two trainings that run at a time need one each.
   */
  public Checkpoints(Path folder) {
    this(new LocalFolder(Objects.requireNonNull(folder, "folder")));
  }

  /**
   * Saves to a folder that is elsewhere. Nothing tells of another training there, and nothing is
   * saved there when the JVM is asked to end: what reaches the folder may have ended before.
   */
  public Checkpoints(CheckpointFolder folder) {
    this.folder = Objects.requireNonNull(folder, "folder");
  }

  /**
   * Saves every n steps, too.
   *
   * @throws IllegalArgumentException if n is below 1
   */
  public Checkpoints everySteps(long n) {
    every = Training.requireEvery(n);
    return this;
  }

  /**
   * How many of the newest files are kept; 2 unless set, so that there is one if the newest is
   * damaged.
   *
   * @throws IllegalArgumentException if it is below 1
   */
  public Checkpoints keep(int files) {
    if (files < 1) {
      throw new IllegalArgumentException("keep " + files + " files: expected at least 1");
    }
    keep = files;
    return this;
  }

  /** The names of the files that there are, the oldest first. */
  public List<String> files() {
    return List.copyOf(byStep().values());
  }

  private NavigableMap<Long, String> byStep() {
    NavigableMap<Long, String> files = new TreeMap<>();
    for (String file : folder.names()) {
      Matcher name = FILE.matcher(file);
      if (name.matches()) {
        files.put(Long.parseLong(name.group(1)), file);
      }
    }
    return files;
  }

  /** Makes the folder, if it is one of this machine. */
  @Override
  void prepare() {
    if (folder instanceof LocalFolder local) {
      Claim.requireWritable(local.path());
    }
  }

  /** The folder. */
  @Override
  public Set<?> claims() {
    return Set.of(folder instanceof LocalFolder local ? local.path() : folder);
  }

  /**
   * Resumes, if there is a checkpoint, unless another listener has from a later one.
   *
   * @throws IllegalArgumentException if it is of another training, naming the key that does not fit
   * @throws CheckpointException if there are checkpoints, and none is whole
   */
  @Override
  public void start(Training training) {
    training.variables().stateDict(); // says now if a variable has no name
    saved = OptionalLong.empty();
    resume(training);
    if (folder instanceof LocalFolder) {
      addHook(training);
    }
  }

  private void addHook(Training training) {
    hook =
        new Thread(new Cancel(training, Thread.currentThread(), PATIENCE), "cooper4j checkpoint");
    try {
      Runtime.getRuntime().addShutdownHook(hook);
    } catch (IllegalStateException e) {
      training.leave(Cancel.REASON);
    }
  }

  private void resume(Training training) {
    String[] file = {""};
    try {
      if (training.resume(() -> newest(training, file))) {
        saved = OptionalLong.of(training.step());
      }
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "cannot resume: "
              + folder
              + file[0]
              + ": "
              + e.getMessage()
              + "; remove it, or choose another folder",
          e);
    }
  }

  /** The newest that is whole, and its file. */
  private Optional<Map<String, Object>> newest(Training training, String[] found) {
    CheckpointException damaged = null;
    for (String file : byStep().tailMap(training.resumed(), true).descendingMap().values()) {
      try {
        Map<String, Object> state = folder.load(file);
        found[0] = "/" + file;
        return Optional.of(state);
      } catch (CheckpointException e) {
        if (damaged == null) {
          damaged = e;
        } else {
          damaged.addSuppressed(e);
        }
      }
    }
    if (damaged != null) {
      throw damaged;
    }
    return Optional.empty();
  }

  @Override
  public void step(Training training, RollOut rollOut) {
    // The last step of an epoch is saved with the epoch's end.
    boolean last = training.batches().orElse(-1) == training.batch();
    if (every > 0 && training.step() % every == 0 && !last) {
      save(training);
    }
  }

  @Override
  public void epochEnd(Training training) {
    save(training);
  }

  @Override
  public void end(Training training) {
    try {
      // A run that StopOnNaN put back leaves what was saved later, with finite variables.
      boolean isNew = saved.isEmpty() || saved.getAsLong() < training.step();
      // The others of several processes may not be here to give what is theirs.
      boolean isComplete = training.isAgreed() || training.optimizer().replica().size() == 1;
      if (training.isWhole() && isComplete && isNew) {
        save(training);
      }
    } finally {
      removeHook();
    }
  }

  private void removeHook() {
    if (hook != null && !hook.isAlive()) {
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException e) {
        // The JVM is ending, and waits for this.
      }
    }
    hook = null;
  }

  private void save(Training training) {
    long step = training.step();
    if (!training.variables().areFinite()) {
      Log.LOGGER.warn("{}: step {} is not saved, a variable is NaN or infinite", folder, step);
      return;
    }
    Map<String, Object> state = training.stateDictOfAll();
    saved = OptionalLong.of(step);
    if (!training.isFirst()) {
      return;
    }
    folder.save("step-%09d.pt".formatted(step), state);
    NavigableMap<Long, String> files = byStep();
    // Later ones are of a run that was put back.
    files.tailMap(step, false).values().forEach(folder::delete);
    files.headMap(step, true).descendingMap().values().stream().skip(keep).forEach(folder::delete);
  }

  /** What the JVM does before it ends: asks the loop to stop, and waits for it, within limits. */
  record Cancel(Training training, Thread trainer, Duration patience) implements Runnable {
    static final String REASON = "the JVM is shutting down";

    @Override
    public void run() {
      training.leave(REASON);
      // A listener that called System.exit waits for this thread: do not wait for it.
      boolean exits =
          Arrays.stream(trainer.getStackTrace())
              .anyMatch(frame -> frame.getClassName().equals("java.lang.Shutdown"));
      if (!exits) {
        try {
          if (!training.awaitEnd(patience)) {
            System.err.printf(
                "cooper4j: step %d has not ended %d s after the JVM was asked to end; it goes"
                    + " without a checkpoint of it%n",
                training.step() + 1, patience.toSeconds());
          }
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
    }
  }
}
