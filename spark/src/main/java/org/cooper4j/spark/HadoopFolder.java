package org.cooper4j.spark;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.checkpoint.CheckpointException;
import org.cooper4j.checkpoint.LoadOptions;
import org.cooper4j.training.CheckpointFolder;

/**
 * A folder of any file system that Hadoop reaches. A file is written under a name that starts with
 * a dot and renamed, so that there are whole ones only.
 */
class HadoopFolder implements CheckpointFolder {
  private static final String UNFINISHED = ".unfinished-";

  private final Path folder;
  private final FileSystem files;

  /**
   * A folder.
   *
   * @throws UncheckedIOException if its file system cannot be reached
   */
  HadoopFolder(String uri, Configuration hadoop) {
    try {
      Path path = new Path(uri);
      files = path.getFileSystem(hadoop);
      folder = files.makeQualified(path);
    } catch (IOException | IllegalArgumentException e) {
      throw new UncheckedIOException(
          "'" + uri + "' cannot be reached: " + e,
          e instanceof IOException io ? io : new IOException(e));
    }
  }

  /**
   * Makes the folder, and sees whether files can be made there.
   *
   * @throws UncheckedIOException if not
   */
  HadoopFolder requireWritable() {
    try {
      if (!files.mkdirs(folder)) {
        throw new IOException("it is none, or in none");
      }
      Path trial = unfinished("trial");
      files.create(trial).close();
      files.delete(trial, false);
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(
          folder + ": no checkpoint can be written there: " + e + "; give another folder", e);
    }
  }

  @Override
  public List<String> names() {
    try {
      return Stream.of(files.listStatus(folder))
          .map(FileStatus::getPath)
          .map(Path::getName)
          .toList();
    } catch (FileNotFoundException e) {
      return List.of(); // object stores have no empty folders
    } catch (IOException e) {
      throw new UncheckedIOException(folder + ": cannot be listed: " + e, e);
    }
  }

  @Override
  public Map<String, Object> load(String name) {
    try (InputStream in = files.open(new Path(folder, name))) {
      return Checkpoint.load(in, new LoadOptions()).asMap();
    } catch (CheckpointException e) {
      throw new CheckpointException(folder + "/" + name + ": " + e.getMessage(), e);
    } catch (FileNotFoundException e) {
      throw new CheckpointException(folder + "/" + name + ": is listed, but not there", e);
    } catch (IOException e) {
      throw new UncheckedIOException(folder + "/" + name + ": cannot be read: " + e, e);
    }
  }

  @Override
  public void save(String name, Map<String, ?> state) {
    Path file = new Path(folder, name);
    Path unfinished = unfinished(name);
    try {
      try (OutputStream out = files.create(unfinished)) {
        Checkpoint.save(out, state);
      }
      files.delete(file, false); // else most file systems refuse the rename
      if (!files.rename(unfinished, file)) {
        throw new IOException(unfinished + " could not be renamed");
      }
    } catch (IOException | CheckpointException e) {
      UncheckedIOException thrown =
          new UncheckedIOException(
              file + ": cannot be written: " + e,
              e instanceof IOException io ? io : new IOException(e));
      try {
        delete(unfinished.getName());
      } catch (UncheckedIOException alsoThat) {
        thrown.addSuppressed(alsoThat);
      }
      throw thrown;
    }
  }

  private Path unfinished(String name) {
    return new Path(folder, UNFINISHED + UUID.randomUUID() + "-" + name);
  }

  @Override
  public void delete(String name) {
    try {
      files.delete(new Path(folder, name), false);
    } catch (IOException e) {
      throw new UncheckedIOException(folder + "/" + name + ": cannot be deleted: " + e, e);
    }
  }

  /** Deletes what a worker that ended had not finished. */
  void clean() {
    names().stream().filter(name -> name.startsWith(UNFINISHED)).forEach(this::delete);
  }

  @Override
  public String toString() {
    return folder.toString();
  }
}
