package org.cooper4j.training.log;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Event files that {@code tensorboard --logdir FOLDER} shows: numbers under Scalars, pictures under
 * Images. A folder is a run; its parent shows several side by side.
 *
 * <pre>{@code
 * try (var board = new TensorBoard(Path.of("runs", "first"))) {
 *   board.record(step, Map.of("loss", 0.25, "violation/norm", -0.1));
 * }
 * }</pre>
 *
 * <p>Every record is in the file when the call returns, so that a running TensorBoard shows it the
 * next time it looks. Each object adds a file to the folder, so a resumed run goes on there;
 * TensorBoard then forgets what the folder has of the new file's first step and later, which a run
 * wrote that went on beyond its checkpoint. TensorBoard's numbers are float32.
 *
 * <p>One object at a time writes to a folder; its methods may be called by any thread.
 */
public final class TensorBoard extends TrainingLog {
  /** The fields of Event, Summary and what they hold, by TensorFlow's event.proto. */
  private static final class Field {
    static final int WALL_TIME = 1;
    static final int STEP = 2;
    static final int FILE_VERSION = 3;
    static final int SUMMARY = 5;
    static final int SESSION_LOG = 7;
    static final int SESSION_STATUS = 1;
    static final int SUMMARY_VALUE = 1;
    static final int TAG = 1;
    static final int SIMPLE_VALUE = 2;
    static final int IMAGE = 4;
    static final int IMAGE_HEIGHT = 1;
    static final int IMAGE_WIDTH = 2;
    static final int IMAGE_COLORSPACE = 3;
    static final int IMAGE_ENCODED = 4;
  }

  private static final int SESSION_START = 1;
  private static final int RGB = 3;

  /** What a PNG begins with: its signature, and the length and name of the chunk with its size. */
  private static final byte[] PNG = {
    (byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R'
  };

  private final Clock clock;
  private final EventFile file;
  private final Path run;
  private boolean started;

  /**
   * Adds an event file to a folder.
   *
   * @param folder made if it is not there
   * @throws java.io.UncheckedIOException if it cannot be written to
   */
  public TensorBoard(Path folder) {
    this(folder, Clock.systemUTC());
  }

  TensorBoard(Path folder, Clock clock) {
    super(folder);
    this.clock = clock;
    file = io(() -> EventFile.create(folder, clock.instant().getEpochSecond()));
    run = io(() -> folder.toRealPath());
    io(() -> file.append(event(0).text(Field.FILE_VERSION, "brain.Event:2").toBytes()));
  }

  /** The event file. */
  public Path file() {
    return file.path();
  }

  /** The event files of its folder, beside which there may be others. */
  @Override
  public Set<String> claims() {
    return Set.of("the event files of '" + run + "'");
  }

  @Override
  void write(long step, Map<String, ? extends Number> values) throws IOException {
    Protobuf summary = new Protobuf();
    values.forEach(
        (name, value) ->
            summary.message(
                Field.SUMMARY_VALUE,
                new Protobuf()
                    .text(Field.TAG, name)
                    .float32(Field.SIMPLE_VALUE, value.floatValue())));
    append(step, summary);
  }

  /**
   * Writes a picture.
   *
   * @param png a PNG file's bytes
   * @throws IllegalArgumentException if they are none
   * @throws IllegalStateException if this was closed
   * @throws java.io.UncheckedIOException if the file cannot be written
   */
  public synchronized void image(String tag, long step, byte[] png) {
    Objects.requireNonNull(tag, "tag");
    requireOpen();
    if (png.length < PNG.length + 2 * Integer.BYTES
        || !Arrays.equals(png, 0, PNG.length, PNG, 0, PNG.length)) {
      throw new IllegalArgumentException(
          "image '" + tag + "': expected the bytes of a PNG file, found " + png.length + " others");
    }
    ByteBuffer size = ByteBuffer.wrap(png, PNG.length, 2 * Integer.BYTES);
    int width = size.getInt();
    int height = size.getInt();
    Protobuf image =
        new Protobuf()
            .integer(Field.IMAGE_HEIGHT, height)
            .integer(Field.IMAGE_WIDTH, width)
            .integer(Field.IMAGE_COLORSPACE, RGB)
            .bytes(Field.IMAGE_ENCODED, png);
    Protobuf value = new Protobuf().text(Field.TAG, tag).message(Field.IMAGE, image);
    io(() -> append(step, new Protobuf().message(Field.SUMMARY_VALUE, value)));
  }

  private void append(long step, Protobuf summary) throws IOException {
    if (!started) {
      Protobuf start = new Protobuf().integer(Field.SESSION_STATUS, SESSION_START);
      file.append(event(step).message(Field.SESSION_LOG, start).toBytes());
      started = true;
    }
    file.append(event(step).message(Field.SUMMARY, summary).toBytes());
  }

  private Protobuf event(long step) {
    Protobuf event = new Protobuf().float64(Field.WALL_TIME, clock.millis() / 1e3);
    return step == 0 ? event : event.integer(Field.STEP, step);
  }

  @Override
  void finish() throws IOException {
    file.close();
  }
}
