package org.cooper4j.comparison;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.data.Mnist;
import org.cooper4j.data.TensorDataset;
import org.cooper4j.examples.Adult;

/** The data that tasks share, read when they are first asked for. */
final class Data {
  static final int IMAGES = 10_000;

  private Data() {}

  static Path folder() {
    return Path.of(System.getProperty("cooper4j.examples.data", "data"));
  }

  /** The first images of MNIST's training set, float32 {@code [10000, 784]}, and their digits. */
  static TensorDataset digits() {
    return Digits.READ;
  }

  /** Who answered the US census of 1994: one-hot, float32 {@code [32561, columns]}; see Adult. */
  static TensorDataset people() {
    return People.READ;
  }

  private interface Reading {
    TensorDataset read() throws IOException;
  }

  private static TensorDataset read(Reading reading) {
    try (PointerScope temporaries = new PointerScope()) {
      TensorDataset read = reading.read();
      return new TensorDataset(read.inputs().retainReference(), read.targets().retainReference());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static final class Digits {
    static final TensorDataset READ =
        Data.read(
            () -> {
              TensorDataset all = Mnist.load(folder().resolve("mnist"), true);
              return new TensorDataset(
                  all.inputs().narrow(0, 0, IMAGES).flatten(1, -1).clone(),
                  all.targets().narrow(0, 0, IMAGES).clone());
            });
  }

  private static final class People {
    static final TensorDataset READ =
        Data.read(
            () -> {
              TensorDataset people = Adult.read().get(0);
              TensorVector columns = new TensorVector();
              for (long i = 0; i < people.inputs().size(1); i++) {
                Tensor codes = people.inputs().select(1, i);
                columns.push_back(
                    torch.one_hot(codes, codes.max().item_long() + 1).to(ScalarType.Float));
              }
              return new TensorDataset(torch.cat(columns, 1), people.targets().clone());
            });
  }
}
