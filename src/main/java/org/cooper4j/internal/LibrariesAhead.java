package org.cooper4j.internal;

import java.io.File;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;

/**
 * Has the system load LibTorch's libraries in a thread of its own, while JavaCPP still reads its
 * classes: LibTorch's initialisation alone takes as long as they do. JavaCPP then loads the same
 * files of its cache, which costs nothing any more; so this is left out wherever it might take
 * others. A failure is only logged, since JavaCPP then meets the same one.
 */
final class LibrariesAhead {
  /** In the order in which JavaCPP loads them, so that each finds what it needs. */
  private static final List<String> OPENBLAS =
      List.of("libgcc_s.so.1", "libquadmath.so.0", "libgfortran.so.5", "libopenblas.so.0");

  private static final List<String> LIBTORCH =
      List.of("libgomp.so.1", "libc10.so", "libtorch_cpu.so");

  /** JavaCPP's settings of where libraries are. */
  private static final List<String> SETTINGS =
      List.of(
          "org.bytedeco.javacpp.pathsfirst",
          "org.bytedeco.javacpp.cachelibraries",
          "org.bytedeco.javacpp.findlibraries",
          "org.bytedeco.javacpp.loadlibraries",
          "org.bytedeco.openblas.load");

  private LibrariesAhead() {}

  /**
   * Starts loading LibTorch's CPU build.
   *
   * @param platform JavaCPP's name of it
   * @return ends when it ends, never exceptionally
   */
  static CompletableFuture<Void> load(String platform) {
    if (!platform.startsWith("linux-")
        || Runtime.getRuntime().availableProcessors() == 1
        || System.getProperties().stringPropertyNames().stream()
            .anyMatch(name -> SETTINGS.contains(name.toLowerCase(Locale.ROOT)))) {
      return CompletableFuture.completedFuture(null);
    }
    return CompletableFuture.runAsync(() -> loadAll(platform), LibrariesAhead::start);
  }

  private static void start(Runnable task) {
    Thread thread = new Thread(task, "cooper4j-libraries");
    thread.setDaemon(true);
    thread.start();
  }

  private static void loadAll(String platform) {
    try {
      boolean found =
          loadAll("/org/bytedeco/openblas/" + platform, OPENBLAS)
              && loadAll("/org/bytedeco/pytorch/" + platform, LIBTORCH);
      Log.LOGGER.trace("libraries ahead of JavaCPP: {}", found);
    } catch (IOException | LinkageError | RuntimeException e) {
      Log.LOGGER.debug("libraries are loaded when they are asked for", e);
    }
  }

  private static boolean loadAll(String folder, List<String> names) throws IOException {
    for (String name : names) {
      File file = Loader.cacheResource(Pointer.class, folder + "/" + name);
      if (file == null || !open(file.getAbsolutePath())) {
        return false;
      }
    }
    return true;
  }

  /** native/src/preload/libraries.cc; for no class loader, so that JavaCPP's may be another one. */
  private static native boolean open(String path);
}
