package org.cooper4j.spark;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.checkpoint.CheckpointException;
import org.cooper4j.checkpoint.LoadOptions;

/**
 * Checkpoints in a folder of any file system that Hadoop reaches, named as those of {@link
 * org.cooper4j.training.Checkpoints}. A file is written under a name that starts with a dot and
 * renamed, so that there are whole ones only.
 */
final class HadoopCheckpoints {
  private static final Pattern FILE = Pattern.compile("step-(\\d{9,18})\\.pt");
  private static final int KEPT = 2;

  private final Path folder;
  private final FileSystem files;

  /** Checkpoints in a folder, which is made if it is not there. */
  HadoopCheckpoints(String folder, Configuration hadoop) {
    this.folder = new Path(folder);
    try {
      files = this.folder.getFileSystem(hadoop);
      files.mkdirs(this.folder);
    } catch (IOException e) {
      throw new UncheckedIOException(folder + ": cannot be made or reached: " + e, e);
    }
  }

  /**
   * The newest checkpoint that is whole.
   *
   * @throws CheckpointException if there are checkpoints, and none is
   */
  Optional<Map<String, Object>> newest() {
    CheckpointException damaged = null;
    for (Path file : byStep().descendingMap().values()) {
      try (InputStream in = files.open(file)) {
        return Optional.of(new LinkedHashMap<>(Checkpoint.load(in, new LoadOptions()).asMap()));
      } catch (CheckpointException e) {
        damaged = damaged == null ? e : damaged;
      } catch (IOException e) {
        throw new UncheckedIOException(file + ": cannot be read: " + e, e);
      }
    }
    if (damaged != null) {
      throw damaged;
    }
    return Optional.empty();
  }

  /** Saves one, and deletes those before the last two, and any of later steps. */
  void save(long step, Map<String, Object> state) {
    Path file = new Path(folder, "step-%09d.pt".formatted(step));
    Path unfinished = new Path(folder, "." + file.getName() + "." + UUID.randomUUID());
    try {
      try (OutputStream out = files.create(unfinished, true)) {
        Checkpoint.save(out, state);
      }
      files.delete(file, false); // else most file systems refuse the rename
      if (!files.rename(unfinished, file)) {
        throw new IOException(unfinished + " could not be renamed to " + file.getName());
      }
      TreeMap<Long, Path> all = byStep();
      for (Path later : all.tailMap(step, false).values()) {
        files.delete(later, false);
      }
      for (Path old :
          all.headMap(step, true).descendingMap().values().stream().skip(KEPT).toList()) {
        files.delete(old, false);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": cannot be written: " + e, e);
    }
  }

  /** Deletes what a worker that ended had not finished. */
  void deleteUnfinished() {
    try {
      for (FileStatus status : files.listStatus(folder)) {
        if (status.getPath().getName().startsWith(".step-")) {
          files.delete(status.getPath(), false);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(folder + ": cannot be cleaned: " + e, e);
    }
  }

  private TreeMap<Long, Path> byStep() {
    TreeMap<Long, Path> found = new TreeMap<>();
    try {
      for (FileStatus status : files.listStatus(folder)) {
        Matcher name = FILE.matcher(status.getPath().getName());
        if (name.matches()) {
          found.put(Long.parseLong(name.group(1)), status.getPath());
        }
      }
    } catch (FileNotFoundException e) {
      return found; // object stores have no empty folders
    } catch (IOException e) {
      throw new UncheckedIOException(folder + ": cannot be listed: " + e, e);
    }
    return found;
  }
}
