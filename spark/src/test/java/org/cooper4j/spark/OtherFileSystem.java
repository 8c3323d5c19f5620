package org.cooper4j.spark;

import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.util.Progressable;

/**
 * other:/…: local files as other systems have them. A rename overwrites nothing, as HDFS's; a
 * listing may have files that are gone, as object stores' had.
 */
public final class OtherFileSystem extends RawLocalFileSystem {
  /** What was created. */
  static final List<String> CREATED = new CopyOnWriteArrayList<>();

  /** Names that a folder lists all the same. */
  static final List<String> GONE = new CopyOnWriteArrayList<>();

  /** Names that cannot be made by a rename. */
  static final List<String> REFUSED = new CopyOnWriteArrayList<>();

  private static final URI NAME = URI.create("other:///");

  @Override
  public void initialize(URI uri, Configuration conf) throws IOException {
    super.initialize(NAME, conf);
  }

  @Override
  public URI getUri() {
    return NAME;
  }

  @Override
  public FSDataOutputStream create(
      Path f,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    CREATED.add(f.getName());
    return super.create(f, overwrite, bufferSize, replication, blockSize, progress);
  }

  @Override
  public boolean rename(Path src, Path dst) throws IOException {
    return !REFUSED.contains(dst.getName()) && !exists(dst) && super.rename(src, dst);
  }

  @Override
  public FileStatus[] listStatus(Path f) throws IOException {
    List<FileStatus> all = new ArrayList<>(List.of(super.listStatus(f)));
    GONE.forEach(name -> all.add(new FileStatus(1, false, 1, 1, 0, new Path(f, name))));
    for (FileStatus status : all) {
      status.setPath(new Path("other", null, status.getPath().toUri().getPath()));
    }
    return all.toArray(FileStatus[]::new);
  }
}
