package org.cooper4j.distributed;

import java.lang.ref.Reference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Backend;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.Store;
import org.bytedeco.pytorch.StringTensorDict;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.internal.Group;
import org.cooper4j.internal.Rendezvous;
import org.cooper4j.internal.Tensors;
import org.cooper4j.optim.CooperOptimizer;
import org.cooper4j.optim.Replicas;

/**
 * Processes that train one model together, each from samples of its own; LibTorch's c10d connects
 * them. A program for one process becomes one for several with three things:
 *
 * <pre>{@code
 * try (ProcessGroup group = ProcessGroup.fromEnvironment()) { // torchrun's variables
 *   var loader = DataLoader.builder(data).batchSize(1024).shuffle(0)
 *       .shard(group.rank(), group.size()).build();
 *   var optimizer = new SimultaneousOptimizer<>(problem, primal, dual).distribute(group);
 *   for (Batch batch : loader) {
 *     optimizer.roll(batch);
 *   }
 * }
 * }</pre>
 *
 * <p>A roll is the one that a single process would make over the samples of all, up to rounding,
 * and leaves the same variables, to the bit, in every process:
 *
 * <ul>
 *   <li>Loss and violations without features are means over samples, or do not depend on them, as a
 *       norm of weights. Those of all are means of the processes' ones, weighted with {@code
 *       CMPState.samples}, else with the size of a {@code Batch}, else equally. A process without
 *       samples takes part all the same.
 *   <li>Violations with features, indexed ones for example, are of a sample each: those of all
 *       processes are joined.
 *   <li>What is neither, such as a ratio of sums over samples, is made of {@link #sum}s; rates are
 *       by {@code RateContext.summedBy(group::sum)}.
 *   <li>{@code misc} of numbers and scalar tensors is averaged likewise.
 * </ul>
 *
 * <p>RollOut, formulations, penalty updaters and hooks see the values of all.
 *
 * <p>Whoever cannot go on closes the group, as try-with-resources does, and a roll that throws does
 * it by itself: else the others wait until the timeout. They get a {@link ProcessGroupException}
 * that names the rank. Every wait sees interrupts of its thread and ends with the group's timeout.
 *
 * <p>A group belongs to one thread at a time; what another one calls meanwhile is an {@link
 * IllegalStateException}, but for {@link #close} and {@link #fail}, which any thread may call. All
 * processes make the same calls in the same order; where they do not, all get an exception that
 * names two of them and their calls. Neither its store, which anybody in its network may read and
 * write, nor its connections are encrypted: use private networks. Groups of more than one process
 * need Linux.
 */
public final class ProcessGroup implements Replicas, AutoCloseable {
  /** How long a group waits unless told otherwise, as c10d does. */
  public static final Duration DEFAULT_TIMEOUT = Duration.ofMinutes(30);

  private static final Duration LONGEST = Duration.ofDays(365);

  private final Group group;
  private boolean compares = true;

  private ProcessGroup(Supplier<Group> make) {
    group = Tensors.keep(call(make));
  }

  /**
   * The group that the environment names: RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, as
   * torchrun sets them; of this process alone if neither of the first two is set. A store of
   * torchrun's agent is used, and attempts before a restart do not disturb.
   *
   * @throws IllegalArgumentException naming the variable that is missing or no number
   * @throws ProcessGroupException if the others do not come
   */
  public static ProcessGroup fromEnvironment() {
    return fromEnvironment(DEFAULT_TIMEOUT);
  }

  /**
   * The group that the environment names.
   *
   * @param timeout of every wait
   */
  public static ProcessGroup fromEnvironment(Duration timeout) {
    long millis = millis(timeout);
    return new ProcessGroup(() -> new Group(millis));
  }

  /** A group for tensors on the CPU, over TCP, that waits for {@link #DEFAULT_TIMEOUT}. */
  public static ProcessGroup gloo(String host, int port, int rank, int size) {
    return gloo(host, port, rank, size, DEFAULT_TIMEOUT);
  }

  /**
   * A group for tensors on the CPU, over TCP.
   *
   * @param host where rank 0 is, a name or a number
   * @param port a free one there, for the store by which the processes find each other
   * @param rank of this process, from 0
   * @param size how many processes there are
   * @param timeout of every wait
   * @throws IllegalArgumentException if these do not fit together
   * @throws ProcessGroupException if the others do not come
   */
  public static ProcessGroup gloo(String host, int port, int rank, int size, Duration timeout) {
    return gloo(host, port, rank, size, timeout, unused -> {});
  }

  /**
   * A group for which rank 0 may choose a port, and tell the others by other ways.
   *
   * @param port in rank 0 it may be 0
   * @param listening called with the store's port before the others are waited for
   */
  public static ProcessGroup gloo(
      String host, int port, int rank, int size, Duration timeout, IntConsumer listening) {
    Objects.requireNonNull(host, "host");
    Objects.requireNonNull(listening, "listening");
    long millis = millis(timeout);
    try (Rendezvous rendezvous = call(() -> new Rendezvous(host, port, rank, size, millis))) {
      listening.accept(rendezvous.port());
      return new ProcessGroup(() -> new Group(rendezvous));
    }
  }

  /**
   * A group over a backend that was made elsewhere, such as {@code
   * org.bytedeco.pytorch.cuda.ProcessGroupNCCL} for CUDA tensors. Without a store its errors cannot
   * name ranks.
   */
  public static ProcessGroup of(Backend backend) {
    return of(backend, null, DEFAULT_TIMEOUT);
  }

  /**
   * A group over a backend that was made elsewhere.
   *
   * @param store for what the ranks tell each other about errors; may be null
   * @param timeout of every wait, where the backend's waits can be bounded
   */
  public static ProcessGroup of(Backend backend, Store store, Duration timeout) {
    if (backend == null || backend.isNull()) {
      throw new IllegalArgumentException(
          "the backend is null or was released; give one that is open");
    }
    long millis = millis(timeout);
    ProcessGroup group =
        new ProcessGroup(
            () -> new Group(backend.address(), store == null ? 0 : store.address(), millis));
    Reference.reachabilityFence(backend);
    Reference.reachabilityFence(store);
    return group;
  }

  private static long millis(Duration timeout) {
    Objects.requireNonNull(timeout, "timeout");
    if (timeout.isNegative() || timeout.isZero()) {
      throw new IllegalArgumentException("the timeout is " + timeout + "; it must be positive");
    }
    return timeout.compareTo(LONGEST) > 0 ? LONGEST.toMillis() : Math.max(1, timeout.toMillis());
  }

  /** The number of this process, from 0. */
  public int rank() {
    return group.rank();
  }

  /** How many processes there are. */
  public int size() {
    return group.size();
  }

  /**
   * Σ over all processes. Differentiable: the gradient is that of the sum of what the processes
   * differentiate, which in a roll is the Lagrangian of all samples.
   *
   * <pre>{@code
   * Tensor s = group.sum(torch.stack(new TensorVector(score.dot(men), men.sum())));
   * Tensor rate = s.get(0).div(s.get(1));
   * }</pre>
   *
   * <p>A pass that an evaluation, or a hook after it, makes over its graph by itself finds the
   * gradient of this process's own statistics, times the number of processes.
   *
   * @param statistics floating point and dense, of the same shape and dtype in all processes
   * @throws IllegalArgumentException if it is not dense or floating point
   */
  public Tensor sum(Tensor statistics) {
    Tensors.requireTensor(statistics, "the tensor to sum");
    return call(() -> group.sum(statistics));
  }

  /**
   * The rows of all processes along dimension 0, in the order of ranks; their numbers may differ.
   * Not differentiable.
   *
   * @param rows dense, [n, …]; all but n is the same in all processes
   */
  public Tensor allGather(Tensor rows) {
    Tensors.requireTensor(rows, "the tensor to gather");
    return call(() -> group.allGather(rows));
  }

  /**
   * Overwrites tensors with those of rank 0.
   *
   * @param tensors dense, of the same shapes and dtypes in all processes
   */
  public void broadcast(List<Tensor> tensors) {
    broadcast(tensors, 0);
  }

  /** Overwrites tensors with those of one rank. */
  public void broadcast(List<Tensor> tensors, int root) {
    Objects.requireNonNull(tensors, "tensors");
    tensors.forEach(tensor -> Tensors.requireTensor(tensor, "a tensor to broadcast"));
    run(() -> group.broadcast(addresses(tensors), tensors.size(), root));
    Reference.reachabilityFence(tensors);
  }

  /**
   * Overwrites a model's parameters and buffers with those of rank 0: buffers, such as the running
   * statistics of batch normalisation, are each process's own in training, and are made equal by
   * this before they are saved.
   */
  public void broadcast(Module model) {
    Objects.requireNonNull(model, "model");
    try (PointerScope temporaries = new PointerScope()) {
      List<Tensor> tensors = new ArrayList<>();
      for (StringTensorDict named : List.of(model.named_parameters(), model.named_buffers())) {
        for (long i = 0; i < named.size(); i++) {
          tensors.add(named.get(i).value());
        }
      }
      broadcast(tensors);
    }
  }

  /**
   * The bytes that rank 0 gives, in all processes.
   *
   * @param bytes of the others do not matter, and may be null
   */
  public byte[] broadcast(byte[] bytes) {
    try (PointerScope temporaries = new PointerScope()) {
      int own = rank() == 0 ? Objects.requireNonNull(bytes, "rank 0's bytes").length : 0;
      Tensor length = Tensor.create(new long[] {own}, 1);
      broadcast(List.of(length));
      int n = Math.toIntExact(length.item_long());
      if (n == 0) {
        return new byte[0];
      }
      Tensor all = tensor(rank() == 0 ? bytes : new byte[n]);
      broadcast(List.of(all));
      return bytes(all);
    }
  }

  /** The bytes of all processes, in the order of ranks; their numbers may differ. */
  public List<byte[]> allGather(byte[] bytes) {
    Objects.requireNonNull(bytes, "bytes");
    try (PointerScope temporaries = new PointerScope()) {
      Tensor lengths = allGather(Tensor.create(new long[] {bytes.length}, 1));
      Tensor all = allGather(tensor(bytes));
      List<byte[]> each = new ArrayList<>();
      long from = 0;
      for (int r = 0; r < size(); r++) {
        long n = lengths.get(r).item_long();
        each.add(bytes(all.narrow(0, from, n)));
        from += n;
      }
      return each;
    }
  }

  private static Tensor tensor(byte[] bytes) {
    return bytes.length == 0 // of which JavaCPP makes no tensor
        ? torch.zeros(new long[] {0}, new TensorOptions(torch.ScalarType.Byte))
        : Tensor.create(bytes, false, bytes.length);
  }

  private static byte[] bytes(Tensor tensor) {
    byte[] bytes = new byte[Math.toIntExact(tensor.numel())];
    if (bytes.length > 0) {
      tensor.data_ptr_byte().get(bytes);
    }
    return bytes;
  }

  /** Waits until all processes have come here. */
  public void barrier() {
    run(() -> group.barrier(0));
  }

  /** Waits so, for at most that long. */
  public void barrier(Duration timeout) {
    run(() -> group.barrier(millis(timeout)));
  }

  /**
   * Whether rolls of optimizers that are distributed from now on see to it that all processes still
   * have the same variables, multipliers, penalty coefficients and learning rates, and throw a
   * {@link ProcessGroupException} that says what differs in which ranks; they do unless set.
   * Compared are bits, of large models a part a roll; all of it, and the optimizers' states, once a
   * {@code Trainer} has ended. Where the steps of processes may round differently, as on processors
   * of other kinds, give {@code false} in all of them.
   *
   * @return this
   */
  public ProcessGroup compare(boolean whether) {
    compares = whether;
    return this;
  }

  boolean compares() {
    return compares;
  }

  /**
   * This process cannot go on: ends the group, and tells the others, whose calls throw an exception
   * with that reason. Rolls and trainers do it by themselves; elsewhere the others learn only that
   * the group was closed.
   *
   * <pre>{@code
   * } catch (RuntimeException e) {
   *   group.fail(e);
   *   throw e;
   * }
   * }</pre>
   *
   * @param reason may be null, if there is none to give
   */
  public void fail(Throwable reason) {
    if (reason == null) {
      group.fail("it gave no reason");
      return;
    }
    String text = reason.getMessage();
    group.fail(
        reason.getClass().getSimpleName()
            + (text == null ? "" : ": " + text.lines().findFirst().orElse("")));
  }

  @Override
  public Replica join(CooperOptimizer<?> optimizer) {
    if (!group.connected()) {
      return ALONE;
    }
    try {
      return new Joined(this, optimizer);
    } catch (RuntimeException e) { // for which the others wait
      fail(e);
      throw e;
    }
  }

  /**
   * Ends the group for all processes; closing again does nothing. A thread that waits in a call
   * leaves it with an exception.
   */
  @Override
  public void close() {
    group.end();
  }

  @Override
  public String toString() {
    return "ProcessGroup(rank " + rank() + " of " + size() + ")";
  }

  Group group() {
    return group;
  }

  static long[] addresses(List<Tensor> tensors) {
    return tensors.stream().mapToLong(Tensor::address).toArray();
  }

  static void run(Runnable action) {
    call(
        () -> {
          action.run();
          return null;
        });
  }

  /** With an exception of its own for what other processes did. */
  static <T> T call(Supplier<T> action) {
    try {
      return action.get();
    } catch (RuntimeException e) {
      if (e.getClass() == RuntimeException.class) {
        throw new ProcessGroupException(e.getMessage(), e);
      }
      throw e;
    }
  }
}
