package org.cooper4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MnistTest {
  private static final Path MNIST = Path.of("examples", "data", "mnist");

  @TempDir Path folder;

  @Test
  void theRepositoryHoldsTheOriginalDatabase() throws IOException {
    try (TensorDataset train = Mnist.loadOriginal(MNIST, true);
        TensorDataset test = Mnist.loadOriginal(MNIST, false)) {
      assertThat(train.inputs().shape()).containsExactly(60_000, 1, 28, 28);
      assertThat(train.inputs().scalar_type().intern()).isEqualTo(ScalarType.Float);
      assertThat(train.targets().shape()).containsExactly(60_000);
      assertThat(train.targets().scalar_type().intern()).isEqualTo(ScalarType.Long);
      assertThat(test.size()).isEqualTo(10_000);
      assertThat(digits(train.targets(), 10)).containsExactly(5, 0, 4, 1, 9, 2, 1, 3, 1, 4);
      assertThat(digits(test.targets(), 5)).containsExactly(7, 2, 1, 0, 4);
      // The database's well-known mean, to which the normalisation refers.
      assertThat(train.inputs().mean().item_float()).isBetween(-0.001f, 0.001f);
    }
  }

  @Test
  void pixelsAreNormalisedBitForBitAsTorchvisionDoes() throws Exception {
    IdxFiles.writeCounting(folder, "train", 1);
    try (TensorDataset dataset = Mnist.load(folder, true)) {
      float[] values = new float[256];
      new FloatPointer(dataset.inputs().data_ptr()).get(values);
      ByteBuffer bytes = ByteBuffer.allocate(4 * 256).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asFloatBuffer().put(values);
      // Of transforms.Compose([ToTensor(), Normalize((0.1307,), (0.3081,))]) of 0, 1, …, 255.
      assertThat(
              HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes.array())))
          .isEqualTo("0103dbab6b16bfcaea0aa75d7377b4b22bb6792081600921bee4a17ff9c4d33e");
    }
  }

  @Test
  void foldersOfTheSameLayoutLoadButAreNotTheOriginal() throws IOException {
    IdxFiles.writeCounting(folder, "t10k", 12);
    try (TensorDataset dataset = Mnist.load(folder, false)) {
      assertThat(dataset.inputs().shape()).containsExactly(12, 1, 28, 28);
      assertThat(digits(dataset.targets(), 12)).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1);
    }
    assertThatThrownBy(() -> Mnist.loadOriginal(folder, false))
        .isInstanceOf(IOException.class)
        .hasMessageContainingAll(
            "t10k-images-idx3-ubyte: not the original MNIST file", "SHA-256 0fa7898d");
  }

  @Test
  void whatDoesNotFitNamesTheFile() throws IOException {
    assertThatThrownBy(() -> Mnist.load(folder.resolve("none"), true))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("none: not a folder");
    assertThatThrownBy(() -> Mnist.load(folder, true))
        .isInstanceOf(IOException.class)
        .hasMessageContainingAll(folder.toString(), "expected a file train-images-idx3-ubyte");

    IdxFiles.writeCounting(folder, "train", 2);
    Path images = folder.resolve("train-images-idx3-ubyte");
    Path labels = folder.resolve("train-labels.idx1-ubyte");
    Files.write(labels, IdxFiles.idx(new byte[] {9, 10}, 2));
    refused("train-labels.idx1-ubyte: expected labels from 0 to 9, found 10 at index 1");
    Files.write(labels, IdxFiles.idx(new byte[] {1, 2, 3}, 3));
    refused("expected one label for each of the 2 images, found shape [3]");
    Files.write(images, IdxFiles.idx(new byte[2 * 27 * 28], 2, 27, 28));
    refused("expected images of shape [n, 28, 28], n > 0, found [2, 27, 28]");
    Files.write(images, IdxFiles.idx(new byte[0], 0, 28, 28));
    refused("n > 0, found [0, 28, 28]");
  }

  private void refused(String message) {
    assertThatThrownBy(() -> Mnist.load(folder, true))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(message);
  }

  private static long[] digits(Tensor targets, int count) {
    long[] digits = new long[count];
    new LongPointer(targets.data_ptr()).get(digits);
    return digits;
  }
}
