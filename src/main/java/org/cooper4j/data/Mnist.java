package org.cooper4j.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.internal.Native;

/**
 * The MNIST database of handwritten digits, read from a folder of IDX files.
 *
 * <p>The folder holds {@code train-images-idx3-ubyte}, {@code train-labels-idx1-ubyte}, {@code
 * t10k-images-idx3-ubyte} and {@code t10k-labels-idx1-ubyte}, each raw or gzip-compressed and with
 * or without {@code .gz} at its end; the spelling {@code train-images.idx3-ubyte} is found too.
 *
 * <p>Pixels become float32 values {@code (x / 255 - 0.1307) / 0.3081}, computed in this order in
 * float32: the same bits as torchvision's {@code ToTensor} and {@code Normalize((0.1307,),
 * (0.3081,))} give.
 */
public final class Mnist {
  private static final int SIDE = 28;
  private static final int DIGITS = 10;
  private static final float MEAN = 0.1307f;
  private static final float STANDARD_DEVIATION = 0.3081f;

  private static final Map<String, String> ORIGINAL_SHA256 =
      Map.of(
          "train-images", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
          "train-labels", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
          "t10k-images", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
          "t10k-labels", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2");

  private Mnist() {}

  /**
   * Reads any data set that has MNIST's layout: images of 28 x 28 pixels, labels below 10.
   *
   * @param train whether to read the training set or the test set ({@code t10k})
   * @return inputs of shape {@code [n, 1, 28, 28]} and dtype float32, targets of shape {@code [n]}
   *     and dtype int64, both on the CPU
   * @throws IOException if a file is missing, malformed or of another layout
   */
  public static TensorDataset load(Path folder, boolean train) throws IOException {
    return load(folder, train, false);
  }

  /**
   * Like {@link #load}, but accepts the original database only.
   *
   * @throws IOException as {@link #load} does, and if the SHA-256 of a file's uncompressed bytes is
   *     not that of the original
   */
  public static TensorDataset loadOriginal(Path folder, boolean train) throws IOException {
    return load(folder, train, true);
  }

  private static TensorDataset load(Path folder, boolean train, boolean original)
      throws IOException {
    String set = train ? "train" : "t10k";
    IdxFile images = read(folder, set + "-images", "idx3-ubyte", original);
    IdxFile labels = read(folder, set + "-labels", "idx1-ubyte", original);
    int[] shape = images.shape();
    if (shape.length != 3 || shape[0] == 0 || shape[1] != SIDE || shape[2] != SIDE) {
      throw new IOException(
          "%s: expected images of shape [n, 28, 28], n > 0, found %s"
              .formatted(images.path(), Arrays.toString(shape)));
    }
    if (!Arrays.equals(labels.shape(), new int[] {shape[0]})) {
      throw new IOException(
          "%s: expected one label for each of the %d images, found shape %s"
              .formatted(labels.path(), shape[0], Arrays.toString(labels.shape())));
    }
    return new TensorDataset(inputs(images), targets(labels));
  }

  private static IdxFile read(Path folder, String stem, String kind, boolean original)
      throws IOException {
    IdxFile file = IdxFile.read(find(folder, stem, kind));
    if (original && !file.sha256().equals(ORIGINAL_SHA256.get(stem))) {
      throw new IOException(
          "%s: not the original MNIST file, whose uncompressed bytes have SHA-256 %s; this has %s"
              .formatted(file.path(), ORIGINAL_SHA256.get(stem), file.sha256()));
    }
    return file;
  }

  private static Path find(Path folder, String stem, String kind) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new NotDirectoryException(folder + ": not a folder of MNIST's IDX files");
    }
    String dashed = stem + "-" + kind;
    String dotted = stem + "." + kind;
    for (String name : List.of(dashed + ".gz", dashed, dotted + ".gz", dotted)) {
      Path file = folder.resolve(name);
      if (Files.isRegularFile(file)) {
        return file;
      }
    }
    throw new IOException(
        "%s: expected a file %s or %s.gz in it".formatted(folder, dashed, dashed));
  }

  private static Tensor inputs(IdxFile images) {
    float[] normalised = new float[256];
    for (int value = 0; value < normalised.length; value++) {
      normalised[value] = (value / 255f - MEAN) / STANDARD_DEVIATION;
    }
    byte[] pixels = images.elements();
    long count = images.shape()[0];
    Tensor inputs = empty(ScalarType.Float, count, 1, SIDE, SIDE);
    FloatPointer memory = new FloatPointer(inputs.data_ptr());
    float[] image = new float[SIDE * SIDE];
    for (int start = 0; start < pixels.length; start += image.length) {
      for (int i = 0; i < image.length; i++) {
        image[i] = normalised[pixels[start + i] & 0xff];
      }
      memory.position(start).put(image);
    }
    return inputs;
  }

  private static Tensor targets(IdxFile labels) throws IOException {
    byte[] digits = labels.elements();
    long[] values = new long[digits.length];
    for (int i = 0; i < digits.length; i++) {
      int digit = digits[i] & 0xff;
      if (digit >= DIGITS) {
        throw new IOException(
            "%s: expected labels from 0 to 9, found %d at index %d"
                .formatted(labels.path(), digit, i));
      }
      values[i] = digit;
    }
    Tensor targets = empty(ScalarType.Long, digits.length);
    new LongPointer(targets.data_ptr()).put(values);
    return targets;
  }

  private static Tensor empty(ScalarType dtype, long... shape) {
    Native.load(); // LibTorch is not to be loaded by its first tensor: see Threads
    try (TensorOptions options = torch.dtype(dtype)) {
      return torch.empty(shape, options, new MemoryFormatOptional());
    }
  }
}
