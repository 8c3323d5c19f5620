package org.cooper4j.comparison;

import java.io.IOException;
import java.io.UncheckedIOException;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.data.Mnist;
import org.cooper4j.data.TensorDataset;
import org.cooper4j.examples.Adult;
import org.cooper4j.examples.Example;
import org.cooper4j.examples.Table;

/** The data that tasks share, read when they are first asked for. */
final class Data {
  static final int IMAGES = 10_000;

  private Data() {}

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
              TensorDataset all = Mnist.load(Example.data("mnist"), true);
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
              TensorVector codes = torch.unbind(people.inputs(), 1);
              return new TensorDataset(Table.oneHot(codes), people.targets().clone());
            });
  }
}
