package org.cooper4j.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Context;
import org.bytedeco.pytorch.global.torch;

/** Says which LibTorch, BLAS and CUDA work here. */
final class LoadedLibraries {
  private static final String UNKNOWN = "a file that the system does not name";

  private LoadedLibraries() {}

  static void log() {
    List<String> files = files();
    Log.LOGGER.debug("LibTorch: {}", first(files, "libtorch_cpu.so"));
    String mkl = first(files, "libmkl_rt.so");
    Log.LOGGER.debug(
        "BLAS: {}",
        mkl.equals(UNKNOWN) ? "OpenBLAS, " + first(files, "libopenblas.so") : "MKL, " + mkl);
    Log.LOGGER.debug(
        "CUDA: {}",
        Context.hasCUDART()
            ? torch.cuda_device_count() + " devices, " + first(files, "libtorch_cuda.so")
            : "none, LibTorch is a CPU build");
  }

  /** The files that the process has mapped. */
  private static List<String> files() {
    try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
      return maps.map(line -> line.replaceFirst("^[^/]*", ""))
          .filter(Predicate.not(String::isEmpty))
          .distinct()
          .toList();
    } catch (IOException | RuntimeException e) {
      return List.of();
    }
  }

  private static String first(List<String> files, String name) {
    return files.stream()
        .filter(file -> Path.of(file).getFileName().toString().startsWith(name))
        .findFirst()
        .orElse(UNKNOWN);
  }
}
