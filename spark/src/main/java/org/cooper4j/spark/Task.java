package org.cooper4j.spark;

import java.io.ByteArrayOutputStream;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.TaskKilledException;
import org.apache.spark.sql.Row;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.checkpoint.CheckpointException;
import org.cooper4j.data.Batch;
import org.cooper4j.data.DataLoader;
import org.cooper4j.data.TensorDataset;
import org.cooper4j.distributed.ProcessGroup;
import org.cooper4j.distributed.ProcessGroupException;
import org.cooper4j.optim.RollOut;
import org.cooper4j.training.Checkpoints;
import org.cooper4j.training.Trainer;
import org.cooper4j.training.Training;
import org.cooper4j.training.TrainingListener;
import scala.collection.Iterator;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;

/**
 * A worker. The first one's result is a byte that tells {@link #TRAINED} from {@link #REFUSED}, and
 * then the training's state or a message; the others have none.
 *
 * <p>An IllegalArgumentException, checkpoints of which none is whole, or a class or library that is
 * not there, say what is wrong and would be so again: the workers tell each other of it and end, as
 * Spark does not try a task again that ends so. Whatever else is thrown fails the task, and Spark
 * tries all of them again.
 */
final class Task extends AbstractFunction1<Iterator<Row>, Iterator<byte[]>>
    implements Serializable {
  static final byte TRAINED = 0;
  static final byte REFUSED = 1;

  private final Plan plan;

  Task(Plan plan) {
    this.plan = plan;
  }

  @Override
  public Iterator<byte[]> apply(Iterator<Row> rows) {
    BarrierTaskContext context = BarrierTaskContext.get();
    byte[] result;
    try (Borrowed its = borrowed(context);
        Part part = new Part(plan)) {
      result = train(context, part, rows);
    } catch (Refusal refusal) {
      result = result(REFUSED, refusal.getMessage().getBytes(StandardCharsets.UTF_8));
    }
    List<byte[]> results = context.partitionId() == 0 ? List.of(result) : List.of();
    return CollectionConverters.asScala(results.iterator());
  }

  private static Borrowed borrowed(BarrierTaskContext context) {
    try {
      return new Borrowed(context.cpus());
    } catch (LinkageError e) {
      gather(context, "", e);
      throw e;
    }
  }

  private static byte[] result(byte kind, byte[] rest) {
    byte[] all = new byte[1 + rest.length];
    all[0] = kind;
    System.arraycopy(rest, 0, all, 1, rest.length);
    return all;
  }

  /** Something that a worker cannot use; all know of it. */
  private static final class Refusal extends RuntimeException {
    Refusal(String message) {
      super(message);
    }
  }

  /** What each worker says; or a refusal, if one has a reason for that. */
  private static String[] gather(BarrierTaskContext context, String own, Throwable refused) {
    String[] said = context.allGather(refused == null ? "+" + own : "-" + message(refused));
    for (int rank = 0; rank < said.length; rank++) {
      if (said[rank].startsWith("-")) {
        throw new Refusal("worker " + rank + " of " + said.length + ": " + said[rank].substring(1));
      }
    }
    return Arrays.stream(said).map(its -> its.substring(1)).toArray(String[]::new);
  }

  private static String message(Throwable refused) {
    if (refused instanceof LinkageError) {
      return refused + "; executors need the program's jars and cooper4j's with LibTorch's natives";
    }
    return refused.getMessage() == null ? refused.toString() : refused.getMessage();
  }

  private byte[] train(BarrierTaskContext context, Part part, Iterator<Row> rows) {
    Throwable refused = null;
    try {
      part.read(rows);
    } catch (IllegalArgumentException e) {
      refused = e;
    }
    String[] parts = gather(context, part.description(), refused);
    int rank = context.partitionId();
    byte[] result = null;
    ProcessGroupException disturbed = null;
    try (TensorDataset own = part.tensors(parts);
        ProcessGroup group = group(context)) {
      result = train(context, group, own, Part.deal(plan, parts, rank));
    } catch (IllegalArgumentException | CheckpointException | LinkageError e) {
      refused = e;
    } catch (ProcessGroupException e) {
      disturbed = e;
    }
    gather(context, "", refused);
    if (disturbed != null) {
      throw disturbed;
    }
    return result;
  }

  /** The first worker opens a store on a free port; the others hear of it. */
  private ProcessGroup group(BarrierTaskContext context) {
    String[] hosts =
        Arrays.stream(context.getTaskInfos())
            .map(info -> info.address().replaceFirst(":\\d+$", "").replaceAll("[\\[\\]]", ""))
            .toArray(String[]::new);
    int rank = context.partitionId();
    if (rank == 0) {
      return ProcessGroup.gloo(
          hosts[0], 0, rank, hosts.length, plan.timeout(), port -> context.allGather("" + port));
    }
    int port = Integer.parseInt(context.allGather("")[0]);
    return ProcessGroup.gloo(hosts[0], port, rank, hosts.length, plan.timeout());
  }

  private byte[] train(
      BarrierTaskContext context, ProcessGroup group, TensorDataset rows, Deal deal) {
    // The first worker draws its weights alone: executors with several tasks have one generator.
    if (group.rank() > 0) {
      group.barrier();
    }
    Trainer<Batch> trainer =
        Borrowed.seeded(plan.seed() + group.rank(), () -> made(() -> trainer(group, rows)));
    if (group.rank() == 0) {
      group.barrier();
    }
    Training training = trainer.training();
    made(() -> training.optimizer().distribute(group));
    trainer.listen(
        new TrainingListener() {
          @Override
          public void step(Training ours, RollOut rollOut) {
            requireWanted(context);
          }
        });
    if (plan.folder() != null) {
      trainer.listen(checkpoints(group, training), resumed(deal));
    }
    try (var optimizer = training.optimizer()) {
      trainer.fit(DataLoader.builder(rows).batchSampler(deal).build(), plan.epochs());
      requireWanted(context);
      if (group.rank() > 0) {
        return null;
      }
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      out.write(TRAINED);
      Checkpoint.save(out, training.stateDict());
      return out.toByteArray();
    }
  }

  private Trainer<Batch> trainer(ProcessGroup group, TensorDataset rows) {
    Trainer<Batch> trainer = plan.program().trainer(group, rows);
    if (trainer == null) {
      throw new IllegalArgumentException("the program returned no trainer, but null");
    }
    trainer.training().stateDict(); // says now if a variable has no name
    return trainer;
  }

  /** What a program made wrong it would make wrong again. */
  private static <T> T made(Supplier<T> step) {
    try {
      return step.get();
    } catch (IllegalStateException e) {
      throw new IllegalArgumentException("the program: " + e.getMessage(), e);
    }
  }

  private Checkpoints checkpoints(ProcessGroup group, Training training) {
    HadoopFolder folder =
        new HadoopFolder(plan.folder(), plan.hadoop().value()) {
          @Override
          public void save(String name, Map<String, ?> state) {
            if (training.failure().isEmpty()) { // else it lacks the other workers' generators
              super.save(name, state);
            }
          }
        };
    if (group.rank() == 0) {
      folder.clean();
    }
    Checkpoints checkpoints = new Checkpoints(folder);
    return plan.interval() > 0 ? checkpoints.everySteps(plan.interval()) : checkpoints;
  }

  /**
   * Refuses checkpoints of other rows. The loader does so when it is iterated, which it is not
   * where all epochs were trained.
   */
  private static TrainingListener resumed(Deal deal) {
    return new TrainingListener() {
      @Override
      public void start(Training training) {
        if (training.stateDict().get("loader_state_dict") instanceof Map<?, ?> loader
            && loader.get("batch_sampler") instanceof Map<?, ?> state) {
          deal.requireSame(state);
        }
      }
    };
  }

  /** Spark asks tasks to end, but does not interrupt them unless it is told to. */
  private static void requireWanted(BarrierTaskContext context) {
    if (context.isInterrupted() || Thread.currentThread().isInterrupted()) {
      throw new TaskKilledException("the job was cancelled, or another worker failed");
    }
  }
}
