package org.cooper4j.internal;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What users see who lack something: each runs in a JVM of its own. */
class NativeLibraryTest {
  private static final String PLATFORM = Loader.getPlatform();
  private static final String FILE = System.mapLibraryName("jnicooper4j");
  private static final String PRELOAD = System.mapLibraryName("jnicooper4jpreload");
  private static final Path NATIVE_JAR = Path.of(System.getProperty("cooper4j.test.native-jar"));
  private static final Path FOLDER = NATIVE_JAR.resolve("org/cooper4j/internal/" + PLATFORM);

  private static final String PLATFORMS = System.getProperty("cooper4j.test.platforms");

  @TempDir private Path temporary;

  /** Uses the library as little as possible. */
  public static final class Program {
    private Program() {}

    /** Says that it runs, or prints the error. */
    public static void main(String[] args) {
      try {
        Native.load();
        String blas = System.getProperty("org.bytedeco.openblas.load");
        System.out.println(blas == null ? "runs" : "runs with '" + blas + "'");
      } catch (LinkageError e) {
        System.out.println(e);
      }
    }
  }

  private static String run(List<String> classPath, String... options)
      throws IOException, InterruptedException {
    return output(start(classPath, options));
  }

  private static Process start(List<String> classPath, String... options) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(options));
    command.add("-cp");
    command.add(String.join(File.pathSeparator, classPath));
    command.add(Program.class.getName());
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static String output(Process process) throws IOException, InterruptedException {
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output.strip();
  }

  private static List<String> classPath() {
    return Arrays.asList(System.getProperty("java.class.path").split(File.pathSeparator));
  }

  private static List<String> classPathWithoutNativeJar() {
    return classPath().stream().filter(entry -> !Path.of(entry).equals(NATIVE_JAR)).toList();
  }

  private static List<String> classPathWithoutNativeJarOf(String preset) {
    return classPath().stream()
        .filter(entry -> !entry.matches(".*[/\\\\]" + preset + "-[^/]*-" + PLATFORM + "[^/]*"))
        .toList();
  }

  private static void assertError(String output, String anchor, String... parts)
      throws IOException {
    assertThat(output.lines()).as(output).hasSize(1);
    assertThat(output)
        .startsWith("java.lang.UnsatisfiedLinkError: ")
        .contains(parts)
        .endsWith("; see docs/troubleshooting.md#" + anchor);
    assertThat(Path.of("docs/troubleshooting.md")).content().contains("<a id=\"" + anchor + "\">");
  }

  @Test
  void theNativeJarIsLoadedWithoutAnySetting() throws Exception {
    assertThat(run(classPath())).isEqualTo("runs");
  }

  @Test
  void severalJvmsStartTogetherOnAnEmptyCache() throws Exception {
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      processes.add(start(classPath(), "-Dorg.bytedeco.javacpp.cachedir=" + temporary));
    }
    for (Process process : processes) {
      assertThat(output(process)).isEqualTo("runs");
    }
  }

  @Test
  void aRebuiltJarsLibraryReplacesTheCachedOneOfEqualSizeAndTime() throws Exception {
    Path jar = temporary.resolve("cooper4j-native.jar");
    List<String> classPath = new ArrayList<>(classPathWithoutNativeJar());
    classPath.add(jar.toString());
    Path cache = Files.createDirectory(temporary.resolve("cache"));
    for (String build : List.of("one", "two")) {
      writeJar(jar, build);

      assertThat(run(classPath, "-Dorg.bytedeco.javacpp.cachedir=" + cache)).isEqualTo("runs");

      try (Stream<Path> cached = Files.walk(cache)) {
        assertThat(cached.filter(path -> path.endsWith(FILE)))
            .singleElement()
            .satisfies(
                path -> assertThat(Files.readAllBytes(path)).endsWith(build.getBytes(UTF_8)));
      }
    }
  }

  /**
   * The native jar as a file; each library ends with the name of the build, which no loader sees.
   */
  private static void writeJar(Path jar, String build) throws IOException {
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(jar))) {
      for (String file : List.of(FILE, PRELOAD)) {
        ZipEntry entry = new ZipEntry("org/cooper4j/internal/" + PLATFORM + "/" + file);
        entry.setTimeLocal(LocalDateTime.of(2026, 1, 1, 0, 0));
        out.putNextEntry(entry);
        Files.copy(FOLDER.resolve(file), out);
        out.write(build.getBytes(UTF_8));
      }
    }
  }

  @Test
  void aCacheWithoutLocksIsNoError() throws Exception {
    Files.createDirectory(temporary.resolve(".cooper4j.lock"));
    assertThat(run(classPath(), "-Dorg.bytedeco.javacpp.cachedir=" + temporary)).isEqualTo("runs");
  }

  @Test
  void anExplicitFolderIsLoadedInPlaceOfTheNativeJar() throws Exception {
    assertThat(run(classPathWithoutNativeJar(), "-Dorg.cooper4j.library.path=" + FOLDER))
        .isEqualTo("runs");
  }

  @Test
  void anExplicitFolderWithoutTheLibraryIsAnErrorAlthoughThereIsANativeJar() throws Exception {
    assertError(
        run(classPath(), "-Dorg.cooper4j.library.path=" + temporary),
        "library-path",
        temporary.toString(),
        FILE);
  }

  @Test
  void aMissingNativeJarIsNamed() throws Exception {
    assertError(
        run(classPathWithoutNativeJar()),
        "missing-native-jar",
        "org.cooper4j:cooper4j:",
        ":" + PLATFORM);
  }

  @Test
  void anUnsupportedPlatformIsNamedWithTheSupportedOnes() throws Exception {
    assertError(
        run(
            classPath(),
            "-Dos.name=Linux",
            "-Dos.arch=aarch64",
            "-Dorg.bytedeco.javacpp.platform=linux-arm64"),
        "unsupported-platform",
        "no native library for linux-arm64",
        "os.arch=aarch64",
        "only for " + PLATFORMS.replace(",", ", "),
        "JavaCPP has LibTorch for these alone",
        "-Dorg.cooper4j.library.path=");
  }

  @Test
  void aMissingLibTorchIsNamed() throws Exception {
    assertError(
        run(classPathWithoutNativeJarOf("pytorch")),
        "missing-libtorch",
        "org.bytedeco:pytorch:2.",
        ":" + PLATFORM);
  }

  @Test
  void aMissingOpenBlasIsNamed() throws Exception {
    assertError(
        run(classPathWithoutNativeJarOf("openblas")),
        "missing-libtorch",
        "org.bytedeco:openblas:0.",
        ":" + PLATFORM);
  }

  @Test
  void aPlatformOfTheListWhoseJarIsNotThereIsSentForIt() throws Exception {
    String other = PLATFORM.equals("macosx-arm64") ? "windows-x86_64" : "macosx-arm64";
    assertError(
        run(classPath(), "-Dorg.bytedeco.javacpp.platform=" + other),
        "missing-native-jar",
        ":" + other,
        "build it there");
  }

  /** A folder that looks like JavaCPP's jar of MKL, with OpenBLAS in it. */
  private String mkl() throws IOException {
    Path folder = temporary.resolve("org/bytedeco/mkl/" + PLATFORM);
    Files.createDirectories(folder);
    String openBlas = "/org/bytedeco/openblas/" + PLATFORM + "/libopenblas.so.0";
    try (InputStream in = NativeLibraryTest.class.getResourceAsStream(openBlas)) {
      Files.copy(in, folder.resolve("libmkl_rt.so.2"));
    }
    return temporary.toString();
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void anMklOnTheClassPathTakesTheBlasPlaceUnlessTheUserSaysOtherwise() throws Exception {
    List<String> classPath = Stream.concat(classPath().stream(), Stream.of(mkl())).toList();
    assertThat(run(classPath)).isEqualTo("runs with 'mkl'");
    assertThat(run(classPath, "-Dorg.bytedeco.openblas.load=")).isEqualTo("runs with ''");
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void librariesOfCudaAreSearchedForWithItsBuildOnly() throws Exception {
    String log = "-Dorg.bytedeco.javacpp.logger.debug=true";
    assertThat(run(classPath(), log)).contains("libtorch_cpu.so").doesNotContain("cublas");
    Path folder = temporary.resolve("org/bytedeco/pytorch/" + PLATFORM + "-gpu");
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("libjnitorch.so"), "no library, so that the CPU's is loaded");
    List<String> classPath =
        Stream.concat(classPath().stream(), Stream.of(temporary.toString())).toList();
    assertThat(run(classPath, log)).contains("cublas").endsWith("runs");
  }

  @Test
  void anotherVersionOfTheNativeJarOfThePresetsIsNamed() throws Exception {
    Path properties = temporary.resolve("META-INF/maven/org.bytedeco/pytorch/pom.properties");
    Files.createDirectories(properties.getParent());
    Files.writeString(properties, "version=2.9.1-1.5.13\n");
    List<String> classPath =
        Stream.concat(classPath().stream(), Stream.of(temporary.toString())).toList();
    assertError(
        run(classPath),
        "libtorch-version",
        "needs org.bytedeco:pytorch:2.",
        "version 2.9.1-1.5.13",
        temporary.toString());
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void aLibraryThatDoesNotLoadSaysWhy() throws Exception {
    Files.writeString(temporary.resolve(FILE), "no library");
    Files.copy(FOLDER.resolve(PRELOAD), temporary.resolve(PRELOAD));
    String output = run(classPath(), "-Dorg.cooper4j.library.path=" + temporary);
    assertError(
        output.replaceFirst("(?s)^.* VM warning: .*?(?=java\\.lang)", ""),
        "library-does-not-load",
        temporary.resolve(FILE).toString(),
        "glibc 2.35");
  }
}
