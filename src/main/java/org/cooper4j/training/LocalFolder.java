package org.cooper4j.training;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.cooper4j.checkpoint.Checkpoint;

/** A folder of this machine. */
record LocalFolder(Path path) implements CheckpointFolder {
  @Override
  public List<String> names() {
    if (!Files.isDirectory(path)) {
      return List.of();
    }
    try (Stream<Path> all = Files.list(path)) {
      return all.map(file -> file.getFileName().toString()).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(path + ": cannot be listed: " + e.getMessage(), e);
    }
  }

  @Override
  public Map<String, Object> load(String name) {
    return Checkpoint.load(path.resolve(name)).asMap();
  }

  @Override
  public void save(String name, Map<String, ?> state) {
    Checkpoint.save(path.resolve(name), state);
  }

  @Override
  public void delete(String name) {
    try {
      Files.deleteIfExists(path.resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException(
          path.resolve(name) + ": an old checkpoint cannot be deleted", e);
    }
  }

  @Override
  public String toString() {
    return path.toString();
  }
}
