package org.cooper4j.training;

import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.optim.RollOut;

/**
 * The numbers of a training, recorded every n steps: columns by name, each with the steps that its
 * numbers are of. As a listener it records {@link Training#numbers()} and what is published, and a
 * checkpoint keeps it.
 *
 * <pre>{@code
 * History history = new History(10);
 * new Trainer<>(optimizer).listen(history).fit(loader, 5);
 * double[] losses = history.values("loss");
 * }</pre>
 */
public final class History implements TrainingListener {
  /** Grows by half, so that a million records are cheap. */
  private static final class Column {
    long[] steps = new long[16];
    double[] values = new double[16];
    int size;

    void add(long step, double value) {
      if (size == steps.length) {
        steps = Arrays.copyOf(steps, size + size / 2);
        values = Arrays.copyOf(values, steps.length);
      }
      steps[size] = step;
      values[size++] = value;
    }
  }

  private final long every;
  private final Map<String, Column> columns = new LinkedHashMap<>();

  /** Records every step. */
  public History() {
    this(1);
  }

  /**
   * Records every n-th step.
   *
   * @throws IllegalArgumentException if n is below 1
   */
  public History(long n) {
    every = Training.requireEvery(n);
  }

  @Override
  public void step(Training training, RollOut rollOut) {
    if (training.step() % every == 0) {
      add(training.step(), training.numbers());
    }
  }

  @Override
  public void numbers(Training training, Map<String, Double> numbers) {
    add(training.step(), numbers);
  }

  /** Appends numbers to their columns. */
  public void add(long step, Map<String, ? extends Number> numbers) {
    numbers.forEach(
        (name, value) ->
            columns.computeIfAbsent(name, unused -> new Column()).add(step, value.doubleValue()));
  }

  /** The names of the columns, in the order in which they came. */
  public Set<String> names() {
    return Collections.unmodifiableSet(columns.keySet());
  }

  /**
   * The steps that a column's numbers are of.
   *
   * @throws IllegalArgumentException if there is no such column
   */
  public long[] steps(String name) {
    Column column = column(name);
    return Arrays.copyOf(column.steps, column.size);
  }

  /**
   * A column's numbers.
   *
   * @throws IllegalArgumentException if there is no such column
   */
  public double[] values(String name) {
    Column column = column(name);
    return Arrays.copyOf(column.values, column.size);
  }

  /**
   * A column's last number.
   *
   * @throws IllegalArgumentException if there is no such column
   */
  public double last(String name) {
    Column column = column(name);
    return column.values[column.size - 1];
  }

  /** Drops what a column has of before a step. */
  void forget(String name, long before) {
    Column old = columns.get(name);
    Column rest = new Column();
    for (int i = 0; i < old.size; i++) {
      if (old.steps[i] >= before) {
        rest.add(old.steps[i], old.values[i]);
      }
    }
    if (rest.size == 0) {
      columns.remove(name);
    } else {
      columns.put(name, rest);
    }
  }

  private Column column(String name) {
    Column column = columns.get(name);
    if (column == null) {
      throw new IllegalArgumentException(
          "nothing named '" + name + "' was recorded; there are " + columns.keySet());
    }
    return column;
  }

  /** {@code {name: {"step": int64 [n], "value": float64 [n]}}}. */
  @Override
  public Map<String, Object> stateDict() {
    Map<String, Object> state = new LinkedHashMap<>();
    columns.forEach(
        (name, column) -> {
          Map<String, Object> saved = new LinkedHashMap<>();
          saved.put("step", Tensor.create(Arrays.copyOf(column.steps, column.size)));
          saved.put("value", Tensor.create(Arrays.copyOf(column.values, column.size)));
          state.put(name, saved);
        });
    return state;
  }

  @Override
  public void loadStateDict(Map<String, ?> state) {
    Map<String, Column> loaded = new LinkedHashMap<>();
    state.forEach((name, saved) -> loaded.put(name, column(name, saved)));
    columns.clear();
    columns.putAll(loaded);
  }

  private static Column column(String name, Object saved) {
    if (!(saved instanceof Map<?, ?> map)
        || !(map.get("step") instanceof Tensor steps)
        || !(map.get("value") instanceof Tensor values)
        || steps.dim() != 1
        || !Arrays.equals(steps.shape(), values.shape())
        || torch.isComplexType(values.scalar_type())) {
      throw new IllegalArgumentException(
          name + ": expected step and value, two tensors [n], found " + saved);
    }
    Column column = new Column();
    column.size = Math.toIntExact(steps.numel());
    int room = Math.max(16, column.size);
    column.steps = new long[room];
    column.values = new double[room];
    try (PointerScope temporaries = new PointerScope();
        Device cpu = new Device("cpu")) {
      new LongPointer(steps.to(cpu, ScalarType.Long).contiguous().data_ptr())
          .get(column.steps, 0, column.size);
      new DoublePointer(values.to(cpu, ScalarType.Double).contiguous().data_ptr())
          .get(column.values, 0, column.size);
    }
    return column;
  }

  /** Names and sizes of the columns. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("History(");
    columns.forEach(
        (name, column) ->
            text.append(text.length() > "History(".length() ? ", " : "")
                .append(name)
                .append(": ")
                .append(column.size));
    return text.append(')').toString();
  }
}
