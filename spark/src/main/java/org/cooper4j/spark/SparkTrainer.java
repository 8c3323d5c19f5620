package org.cooper4j.spark;

import java.io.IOException;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.util.SerializableConfiguration;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.checkpoint.LoadOptions;
import org.cooper4j.distributed.ProcessGroup;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;

/**
 * Trains a problem by tasks on Spark's executors, each from its share of a DataFrame's rows: the
 * training is the one that a single process makes from all rows.
 *
 * <pre>{@code
 * Checkpoint end = new SparkTrainer(program)
 *     .setInputCols("features", "age")
 *     .setTargetCols("income", "male")
 *     .setNumWorkers(4)
 *     .setBatchSize(1024)
 *     .setEpochs(20)
 *     .setCheckpointPath("hdfs:///runs/1")
 *     .fit(frame);
 * StateDict.load(model, end.map("model_state_dict").asMap());
 * problem.loadStateDict(end.map("cmp_state_dict").asMap());
 * }</pre>
 *
 * <p>Rows go from partitions to workers by Spark's shuffle, not by the driver. They are dealt and
 * ordered by a hash of the columns that are read, or of an id, so that a task that is tried again
 * has the same rows; from there on batches are those that a shuffled {@link
 * org.cooper4j.data.DataLoader} gives, whatever the number of workers.
 *
 * <p>Where an executor is lost, or a task fails, Spark tries all workers again ({@code
 * spark.stage.maxConsecutiveAttempts} times): they go on from the last checkpoint, and end where an
 * undisturbed training does. An IllegalArgumentException is not tried again.
 */
public final class SparkTrainer {
  private static final Set<String> FOLDERS = ConcurrentHashMap.newKeySet(); // of trainings that run

  private final Program program;
  private List<String> inputs = List.of();
  private List<String> targets = List.of();
  private String id;
  private ScalarType dtype = ScalarType.Float;
  private int workers = 1;
  private long batchSize = 1024;
  private long epochs = 1;
  private long seed;
  private Duration timeout = ProcessGroup.DEFAULT_TIMEOUT;
  private String folder;
  private long interval;

  /** A trainer of what a program makes in each worker. */
  public SparkTrainer(Program program) {
    this.program = Objects.requireNonNull(program, "program");
  }

  /**
   * The columns that are a batch's inputs, side by side: numbers and booleans are one number each,
   * vectors of {@code org.apache.spark.ml.linalg} and arrays of numbers as many as they have. A
   * name is a column's, dots included, or else what Spark makes of it, such as {@code person.age}.
   */
  public SparkTrainer setInputCols(String... columns) {
    inputs = names(columns);
    return this;
  }

  /** The columns that are a batch's targets, likewise; none unless set. */
  public SparkTrainer setTargetCols(String... columns) {
    targets = names(columns);
    return this;
  }

  private static List<String> names(String... columns) {
    for (String column : columns) {
      Objects.requireNonNull(column, "a column");
    }
    return List.of(columns);
  }

  /**
   * A column whose value is each row's own, by whose hash rows are dealt. Unless it is set, the
   * columns that are read say where a row goes, so that equal rows go to the same worker.
   */
  public SparkTrainer setIdCol(String column) {
    id = Objects.requireNonNull(column, "column");
    return this;
  }

  /**
   * What inputs and targets are made of: float32 unless set.
   *
   * @throws IllegalArgumentException if it is neither Float nor Double
   */
  public SparkTrainer setDtype(ScalarType type) {
    if (type != ScalarType.Float && type != ScalarType.Double) {
      throw new IllegalArgumentException("the dtype is " + type + "; give Float or Double");
    }
    dtype = type;
    return this;
  }

  /**
   * How many tasks train, all at a time: the cluster needs so many free slots. 1 unless set.
   *
   * @throws IllegalArgumentException as of all numbers here: if it is too small
   */
  public SparkTrainer setNumWorkers(int number) {
    workers = (int) atLeast(1, number, "workers");
    return this;
  }

  /** The number of rows in a batch, of all workers together; 1024 unless set. */
  public SparkTrainer setBatchSize(long rows) {
    batchSize = atLeast(1, rows, "rows in a batch");
    return this;
  }

  /** How often each row is trained with; 1 unless set. */
  public SparkTrainer setEpochs(long number) {
    epochs = atLeast(1, number, "epochs");
    return this;
  }

  /**
   * What rows are shuffled by, and what the first worker's generator starts from before the program
   * makes its variables; the others' start from the numbers after it. 0 unless set.
   */
  public SparkTrainer setSeed(long number) {
    seed = number;
    return this;
  }

  /** How long workers wait for each other; {@link ProcessGroup#DEFAULT_TIMEOUT} unless set. */
  public SparkTrainer setTimeout(Duration duration) {
    atLeast(1, duration.toMillis(), "milliseconds of a timeout");
    timeout = duration;
    return this;
  }

  /**
   * A folder that checkpoints are saved to after every epoch, on any file system that Hadoop
   * reaches and all executors see. A training goes on from what is there, if it was of the same
   * rows in the same order. Trainings that run at a time need one each. No folder unless set.
   */
  public SparkTrainer setCheckpointPath(String path) {
    folder = Objects.requireNonNull(path, "path");
    return this;
  }

  /** Saves after so many steps, too. */
  public SparkTrainer setCheckpointInterval(long steps) {
    interval = atLeast(1, steps, "steps between checkpoints");
    return this;
  }

  private static long atLeast(long least, long found, String what) {
    if (found < least) {
      throw new IllegalArgumentException(found + " " + what + ": expected at least " + least);
    }
    return found;
  }

  /**
   * Trains, and waits for the end. Where a task failed too often Spark throws a {@link
   * org.apache.spark.SparkException}, a checked exception that Scala does not declare: catch
   * Exception.
   *
   * @return the first worker's {@link org.cooper4j.training.Training#stateDict()}: {@code
   *     NAME_state_dict} of each module, {@code cmp_state_dict} with the multipliers, and the rest;
   *     tensors are on the CPU
   * @throws IllegalArgumentException if a column is missing or has no numbers, there are no rows,
   *     the DataFrame is of Spark Connect, Spark cannot run so many workers at a time, the program
   *     cannot be sent to executors, no checkpoint is whole or they are of another training or of
   *     other rows, or a worker threw one or could not load a class or a library
   * @throws IllegalStateException if another training of this application uses the folder of
   *     checkpoints
   * @throws java.io.UncheckedIOException if nothing can be written to the folder of checkpoints
   * @throws CancellationException if this thread is interrupted, which cancels the job
   */
  public Checkpoint fit(Dataset<?> frame) {
    if (inputs.isEmpty()) {
      throw new IllegalArgumentException("there are no input columns; call setInputCols");
    }
    SparkContext spark =
        context(Objects.requireNonNull(frame, "frame").sparkSession()::sparkContext);
    if (frame.isStreaming()) {
      throw new IllegalArgumentException(
          "the DataFrame is a stream, whose rows have no end; give one that is none, as"
              + " writeStream().foreachBatch(…) does");
    }
    requireSerializable(program);
    Slots.require(workers, spark.master(), spark.getConf());

    Selection read = Selection.of(frame, inputs, targets, id);
    Configuration hadoop = spark.hadoopConfiguration();
    String place =
        folder == null ? null : new HadoopFolder(folder, hadoop).requireWritable().toString();
    Plan plan =
        new Plan(
            program,
            read.inputs(),
            read.targets(),
            id,
            dtype,
            batchSize,
            epochs,
            seed,
            timeout,
            place,
            new SerializableConfiguration(hadoop),
            interval);
    byte[] result = alone(place, () -> run(spark, read.dealt(workers), new Task(plan)));
    ByteBuffer rest = ByteBuffer.wrap(result, 1, result.length - 1);
    if (result[0] == Task.REFUSED) {
      throw new IllegalArgumentException(StandardCharsets.UTF_8.decode(rest).toString());
    }
    return Checkpoint.load(rest, new LoadOptions());
  }

  /**
   * The driver's context.
   *
   * @throws IllegalArgumentException if there is none, since another process is the driver
   */
  static SparkContext context(Supplier<SparkContext> session) {
    try {
      return session.get();
    } catch (UnsupportedOperationException e) {
      throw new IllegalArgumentException(
          "the DataFrame is of Spark Connect, whose client runs no tasks of its own; give one of a"
              + " session in the driver's JVM, which spark-submit makes unless spark.api.mode is"
              + " connect",
          e);
    }
  }

  private static void requireSerializable(Program program) {
    try (var out = new ObjectOutputStream(OutputStream.nullOutputStream())) {
      out.writeObject(program);
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "the program cannot be sent to executors, as something that it captures is not"
              + " serializable: "
              + e.getMessage()
              + "; capture numbers and texts, make all else inside of it, and where this is the"
              + " class that it is written in, do so in a static method",
          e);
    }
  }

  /** Runs what saves to that folder, if there is one, while no other training does. */
  private static byte[] alone(String place, Supplier<byte[]> job) {
    if (place == null) {
      return job.get();
    } else if (!FOLDERS.add(place)) {
      throw new IllegalStateException(
          place + ": a training that runs saves its checkpoints there; give each one a folder");
    }
    try {
      return job.get();
    } finally {
      FOLDERS.remove(place);
    }
  }

  private static byte[] run(SparkContext spark, Dataset<Row> rows, Task task) {
    ClassTag<byte[]> bytes = ClassTag$.MODULE$.apply(byte[].class);
    String tag = "cooper4j-" + UUID.randomUUID();
    spark.addJobTag(tag);
    try {
      RDD<byte[]> results = rows.rdd().barrier().mapPartitions(task, false, bytes);
      // Spark does not try a barrier stage again that is a job's last one: so it is not.
      List<byte[]> all = JavaRDD.fromRDD(results, bytes).repartition(1).collect();
      if (all.isEmpty()) {
        throw new IllegalArgumentException("the DataFrame has no rows");
      }
      return all.get(0);
    } catch (Exception e) {
      if (e instanceof InterruptedException) { // a checked one, which Scala does not declare
        spark.cancelJobsWithTag(tag); // else it would go on, and nobody would wait for it
        Thread.currentThread().interrupt();
        throw (CancellationException)
            new CancellationException("the thread that waits for the training was interrupted")
                .initCause(e);
      }
      throw e;
    } finally {
      spark.removeJobTag(tag);
    }
  }
}
