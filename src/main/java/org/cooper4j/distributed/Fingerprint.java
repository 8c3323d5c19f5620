package org.cooper4j.distributed;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.zip.CRC32C;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.internal.Optimizers;
import org.cooper4j.internal.Tensors;
import org.cooper4j.optim.CooperOptimizer;

/** Everything that all processes have alike after a step, a line a thing, to the bit. */
final class Fingerprint {
  private static final long FEW = 4;
  private static final long CHUNK = 1 << 30;

  private final StringBuilder text = new StringBuilder();

  private Fingerprint() {}

  /** The primal variables, what belongs to constraints, and the optimizers' states. */
  static String of(CooperOptimizer<?> optimizer, String prefix) {
    Fingerprint all = new Fingerprint();
    int[] index = {0};
    Optimizers.forEachParameter(
        optimizer.primalOptimizers(),
        variable -> all.add(prefix + "primal variable " + index[0]++, variable));
    all.add(prefix + "problem", optimizer.cmp().stateDict());
    all.add(prefix + "optimizer", optimizer.stateDict());
    return all.text.toString();
  }

  private void add(String name, Object value) {
    if (value instanceof Map<?, ?> map) {
      map.forEach((key, its) -> add(name + "." + key, its));
    } else if (value instanceof List<?> list) {
      for (int i = 0; i < list.size(); i++) {
        add(name + "." + i, list.get(i));
      }
    } else {
      text.append(name).append(" = ");
      text.append(value instanceof Tensor tensor ? text(tensor) : String.valueOf(value));
      text.append('\n');
    }
  }

  /** Numbers where they are few, else a checksum. */
  private static String text(Tensor tensor) {
    if (!tensor.defined() || tensor.is_sparse()) {
      return Tensors.describe(tensor);
    }
    return tensor.numel() <= FEW && Tensors.isFloatingPoint(tensor)
        ? numbers(tensor)
        : "%s of checksum %08x".formatted(Tensors.describe(tensor), checksum(tensor));
  }

  private static String numbers(Tensor tensor) {
    Tensor flat = tensor.detach().cpu().to(ScalarType.Double).reshape(-1);
    return LongStream.range(0, flat.numel())
        .mapToObj(i -> String.valueOf(flat.get(i).item_double()))
        .collect(Collectors.joining(", "));
  }

  private static long checksum(Tensor tensor) {
    Tensor here = tensor.detach().cpu().contiguous();
    long size = here.nbytes();
    CRC32C sum = new CRC32C();
    if (size > 0) {
      BytePointer bytes = new BytePointer(here.data_ptr());
      for (long from = 0; from < size; from += CHUNK) {
        ByteBuffer some = bytes.limit(Math.min(size, from + CHUNK)).position(from).asByteBuffer();
        sum.update(some);
      }
    }
    return sum.getValue();
  }
}
