package org.cooper4j.spark;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.Row;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** A tensor [n, k] that grows by rows, of which nobody knows the number before. */
final class RowTensor implements AutoCloseable {
  private static final int CHUNK = 1 << 20; // numbers that wait on the heap

  private final Columns columns;
  private final ScalarType dtype;
  private final List<Tensor> chunks = new ArrayList<>();
  private int[] widths; // of the columns, as the first row has them
  private int width;
  private double[] chunk;
  private int waiting;

  RowTensor(Columns columns, ScalarType dtype) {
    this.columns = columns;
    this.dtype = dtype;
  }

  /**
   * Adds a row.
   *
   * @throws IllegalArgumentException if a column has a null, a number that the dtype does not hold,
   *     or another length than before
   */
  void add(Row row) {
    double[][] numbers = columns.read(row);
    if (widths == null) {
      widths = Arrays.stream(numbers).mapToInt(its -> its.length).toArray();
      width = Arrays.stream(widths).sum();
      chunk = new double[Math.max(1, CHUNK / Math.max(1, width)) * width];
    }
    for (int i = 0, at = waiting * width; i < numbers.length; at += widths[i], i++) {
      if (numbers[i].length != widths[i]) {
        throw new IllegalArgumentException(
            "column '"
                + columns.names().get(i)
                + "' has "
                + widths[i]
                + " numbers in one row and "
                + numbers[i].length
                + " in another; all rows need as many");
      }
      for (double number : numbers[i]) {
        requireFinite(number, columns.names().get(i));
      }
      System.arraycopy(numbers[i], 0, chunk, at, widths[i]);
    }
    waiting++;
    if (width > 0 && (waiting + 1) * width > chunk.length) {
      cut();
    }
  }

  private void requireFinite(double number, String column) {
    if (!Double.isFinite(dtype == ScalarType.Float ? (float) number : number)) {
      throw new IllegalArgumentException(
          "column '"
              + column
              + "' has the number "
              + number
              + (Double.isFinite(number)
                  ? ", which is none in float32; call setDtype(ScalarType.Double), or scale it"
                  : "; leave such rows out (na().drop() does for NaN), or replace it"));
    }
  }

  private void cut() {
    try (PointerScope temporaries = new PointerScope()) {
      Tensor doubles = Tensor.create(Arrays.copyOf(chunk, waiting * width), waiting, width);
      Tensor typed = doubles.to(dtype);
      typed.retainReference();
      chunks.add(typed);
    }
    waiting = 0;
  }

  /** The widths of the columns, such as [1, 20]; empty while there are no rows. */
  String widths() {
    return widths == null ? "" : Arrays.toString(widths);
  }

  /** All rows, which are this object's no more; of that width if there are none. */
  Tensor take(int widthOfOthers) {
    if (waiting > 0) {
      cut();
    }
    chunk = null;
    if (chunks.isEmpty()) {
      return torch.empty(new long[] {0, widthOfOthers}, new TensorOptions(dtype), null);
    }
    Tensor all =
        chunks.size() == 1
            ? chunks.get(0)
            : torch.cat(new TensorVector(chunks.toArray(Tensor[]::new)), 0);
    if (chunks.size() > 1) {
      chunks.forEach(Tensor::close);
    }
    chunks.clear();
    return all;
  }

  /** Releases rows that were not taken. */
  @Override
  public void close() {
    chunks.forEach(Tensor::close);
  }
}
