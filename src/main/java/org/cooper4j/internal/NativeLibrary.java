package org.cooper4j.internal;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collections;
import java.util.List;
import java.util.Properties;
import java.util.zip.CRC32;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.pytorch.global.torch;

/**
 * Loads LibTorch, then the native library: from the folder that the system property {@code
 * org.cooper4j.library.path} names, and from nowhere else if it is set, or from the native jar.
 * What is missing or does not fit is one error with its remedy.
 */
final class NativeLibrary {
  private static final String PATH = "org.cooper4j.library.path";
  private static final String BLAS = "org.bytedeco.openblas.load";
  private static final String NAME = "jnicooper4j";
  private static final String PRELOAD = "jnicooper4jpreload";
  private static final String JNI_TORCH = System.mapLibraryName("jnitorch");

  /** What this jar was compiled for; Maven fills it in. */
  private static final Properties BUILD = read(NativeLibrary.class.getResource("build.properties"));

  private static final String VERSION = BUILD.getProperty("version");

  private NativeLibrary() {}

  /** Returns whether OpenMP's idle threads sleep by what was done here. */
  static boolean load() {
    String folder = System.getProperty(PATH);
    String platform = Loader.getPlatform();
    if (folder == null) {
      requireSupported(platform);
    }
    requireVersion("pytorch");
    requireVersion("javacpp");
    requireFile(folder, platform);
    ClassesAhead.load();
    try (LoadLock unused = LoadLock.take()) {
      boolean sleeps =
          OpenMp.load(() -> load(folder, platform, PRELOAD), () -> loadLibTorch(platform));
      Path library = load(folder, platform, NAME);
      Log.LOGGER.debug(
          "native library: {}", folder != null ? library : "of the native jar, " + library);
      return sleeps;
    }
  }

  private static Path load(String folder, String platform, String name) {
    try {
      Path library = folder != null ? library(folder, name) : extracted(platform, name);
      load(library);
      return library;
    } catch (LinkageError e) {
      throw error(
          "library-does-not-load",
          e,
          String.format(
              "the native library of cooper4j %s does not load: %s. It needs %s or newer"
                  + " and LibTorch of org.bytedeco:pytorch:%s",
              VERSION,
              e.getMessage(),
              BUILD.getProperty("oldest." + platform.replaceFirst("-.*", ""), platform),
              BUILD.getProperty("pytorch")));
    }
  }

  private static void requireSupported(String platform) {
    List<String> platforms = List.of(BUILD.getProperty("platforms").split(","));
    if (!platforms.contains(platform)) {
      throw error(
          "unsupported-platform",
          null,
          String.format(
              "cooper4j %s has no native library for %s (os.name=%s, os.arch=%s), only for %s, as"
                  + " JavaCPP has LibTorch for these alone. Run on one of them, or, with a LibTorch and"
                  + " its binding of your own, name the library's folder with -D%s=DIR; C++ programs"
                  + " need no JavaCPP",
              VERSION,
              platform,
              System.getProperty("os.name"),
              System.getProperty("os.arch"),
              String.join(", ", platforms),
              PATH));
    }
  }

  /** Jars of two versions on the class path would crash, not fail. */
  private static void requireVersion(String artifact) {
    String expected = BUILD.getProperty(artifact);
    String name = "META-INF/maven/org.bytedeco/" + artifact + "/pom.properties";
    try {
      for (URL url : Collections.list(NativeLibrary.class.getClassLoader().getResources(name))) {
        String found = read(url).getProperty("version");
        if (!expected.equals(found)) {
          throw error(
              "libtorch-version",
              null,
              String.format(
                  "cooper4j %s needs org.bytedeco:%s:%s in all its jars, but %s has version %s. Ask"
                      + " for version %3$s of that too, or for the version of cooper4j that goes"
                      + " with %5$s",
                  VERSION,
                  artifact,
                  expected,
                  url.toString().replaceFirst("!?/META-INF/.*", ""),
                  found));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void requireFile(String folder, String platform) {
    String file = System.mapLibraryName(NAME);
    if (folder != null) {
      if (!Files.isRegularFile(library(folder, NAME))) {
        throw error(
            "library-path",
            null,
            String.format(
                "-D%s=%s: that folder has no %s. Name the folder that holds it, or leave the property"
                    + " out to use the native jar",
                PATH, folder, file));
      }
    } else if (resource(platform + "/" + file) == null) {
      throw error(
          "missing-native-jar",
          null,
          String.format(
              "the native library of cooper4j %s for %s is not on the class path or module path. Add"
                  + " the jar org.cooper4j:cooper4j:%1$s:%2$s, which comes with org.cooper4j:cooper4j;"
                  + " if there is none for this platform yet, build it there",
              VERSION, platform));
    }
  }

  private static void loadLibTorch(String platform) {
    preferMkl(platform);
    if (resource("/org/bytedeco/pytorch/" + platform + "-gpu/" + JNI_TORCH) == null) {
      CudaSearch.skip();
    }
    try {
      Loader.load(torch.class);
    } catch (LinkageError e) {
      throw error(
          "missing-libtorch",
          e,
          String.format(
              "LibTorch does not load: %s. Check that the class path or module path has"
                  + " org.bytedeco:pytorch:%s:%s, org.bytedeco:openblas:%s:%3$s and"
                  + " org.bytedeco:javacpp:%s:%3$s",
              e.getMessage(),
              BUILD.getProperty("pytorch"),
              platform,
              BUILD.getProperty("openblas"),
              BUILD.getProperty("javacpp")));
    }
  }

  /** Whoever puts JavaCPP's MKL on the class path wants it in OpenBLAS's place. */
  private static void preferMkl(String platform) {
    String name =
        platform.startsWith("linux")
            ? System.mapLibraryName("mkl_rt") + ".2"
            : System.mapLibraryName("mkl_rt.2");
    String library = "org/bytedeco/mkl/" + platform + "/" + name;
    if (System.getProperty(BLAS) == null
        && NativeLibrary.class.getClassLoader().getResource(library) != null) {
      System.setProperty(BLAS, "mkl");
    }
  }

  /** Not by JavaCPP's Loader, which loads for classes of its own class loader only. */
  private static void load(Path library) {
    try {
      System.load(library.toString());
    } catch (UnsatisfiedLinkError e) {
      if (e.getMessage() == null || !e.getMessage().contains("another classloader")) {
        throw e;
      }
      System.load(copyOf(library).toString());
    }
  }

  /**
   * The JVM gives a file to one class loader; another one, as web servers have, needs a copy.
   * Windows deletes no library that is loaded: there the copy stays in the temporary folder.
   */
  private static Path copyOf(Path library) {
    try {
      String file = library.getFileName().toString();
      Path copy = Files.createTempFile(NAME, file.substring(file.lastIndexOf('.')));
      copy.toFile().deleteOnExit();
      return Files.copy(library, copy, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A library of the native jar as a file, in JavaCPP's cache. */
  private static Path extracted(String platform, String name) {
    try {
      URL library = resource(platform + "/" + System.mapLibraryName(name));
      Path file = Loader.cacheResource(library).toPath().toAbsolutePath();
      if (isOfAnotherBuild(file, library)) {
        Files.delete(file);
        Loader.cacheResource(library);
      }
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** JavaCPP compares sizes and times, but files of reproducible jars all have the same time. */
  private static boolean isOfAnotherBuild(Path file, URL library) throws IOException {
    if (library.openConnection() instanceof JarURLConnection jar) {
      CRC32 crc = new CRC32();
      crc.update(Files.readAllBytes(file));
      return crc.getValue() != jar.getJarEntry().getCrc();
    }
    return false;
  }

  private static Path library(String folder, String name) {
    return Path.of(folder, System.mapLibraryName(name)).toAbsolutePath();
  }

  private static URL resource(String name) {
    try {
      return Loader.findResource(Native.class, name);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Properties read(URL url) {
    Properties properties = new Properties();
    try (InputStream in = url.openStream()) {
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return properties;
  }

  private static UnsatisfiedLinkError error(String anchor, Throwable cause, String message) {
    UnsatisfiedLinkError error =
        new UnsatisfiedLinkError(message + "; see docs/troubleshooting.md#" + anchor);
    error.initCause(cause);
    return error;
  }
}
