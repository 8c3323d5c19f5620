package org.cooper4j.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.lang.Runtime.Version;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The library runs wherever JavaCPP's LibTorch does, shows nothing but JNI, and is described. */
class NativeJarTest {
  private static final Path JAR = Path.of(System.getProperty("cooper4j.test.native-jar"));
  private static final Path LIBRARY =
      JAR.resolve("org/cooper4j/internal/" + Loader.getPlatform())
          .resolve(System.mapLibraryName("jnicooper4j"));
  private static final Path PRELOAD =
      LIBRARY.resolveSibling(System.mapLibraryName("jnicooper4jpreload"));
  private static final Path LIBTORCH = Path.of("target/libtorch");
  private static final Path METADATA =
      JAR.resolve("META-INF/native-image/org.cooper4j/cooper4j").resolve(Loader.getPlatform());

  /** The newest version of each set of symbols that LibTorch needs: those of Ubuntu 22.04. */
  private static final Map<String, Version> NEWEST =
      Map.of(
          "GLIBC", Version.parse("2.35"),
          "GLIBCXX", Version.parse("3.4.30"),
          "CXXABI", Version.parse("1.3.13"));

  /** What GNU ld defines in every library; on arm64 it exports them. */
  private static final Set<String> LINKERS_OWN =
      Set.of(
          "__bss_start",
          "__bss_start__",
          "__bss_end__",
          "_bss_end__",
          "_edata",
          "edata",
          "_end",
          "end",
          "__end__");

  private static String run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output;
  }

  /** The newest version of each set of symbols that a library needs. */
  private static Map<String, Version> needs(Path library) throws Exception {
    Map<String, Version> newest = new TreeMap<>();
    Stream<MatchResult> found =
        Pattern.compile("\\b(GLIBC|GLIBCXX|CXXABI)_([0-9.]+)")
            .matcher(run("objdump", "-T", library.toString()))
            .results();
    found.forEach(
        match ->
            newest.merge(
                match.group(1),
                Version.parse(match.group(2)),
                (a, b) -> a.compareTo(b) < 0 ? b : a));
    return newest;
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void noNewerSymbolsOfGlibcAndLibstdcxxAreNeededThanLibTorchItselfNeeds() throws Exception {
    Map<String, Version> needs = needs(LIBRARY);
    assertThat(needs).containsOnlyKeys(NEWEST.keySet());
    // A compiler newer than the one that releases are built with gives what runs here only.
    String glibc = run("ldd", "--version").lines().findFirst().orElseThrow().replaceAll(".* ", "");
    assumeTrue(
        Version.parse(glibc).compareTo(Version.parse("2.36")) <= 0,
        "built with glibc " + glibc + ": not for release, see CONTRIBUTING.md");
    assertThat(needs)
        .allSatisfy((set, version) -> assertThat(version).isLessThanOrEqualTo(NEWEST.get(set)));
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void theLimitsAreLibTorchsOwn() throws Exception {
    assumeFalse(Files.exists(LIBTORCH.resolve("libtorch_cuda.so")), "the GPU jar has its own");
    assertThat(needs(LIBTORCH.resolve("libtorch_cpu.so"))).isEqualTo(NEWEST);
  }

  private static List<String> exported(Path library) throws Exception {
    return run("nm", "-D", "--defined-only", library.toString())
        .lines()
        .map(line -> line.replaceAll(".* ", ""))
        .filter(name -> !LINKERS_OWN.contains(name))
        .toList();
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void whatIsLoadedBeforeLibTorchNeedsTheCLibraryOnly() throws Exception {
    assertThat(run("objdump", "-p", PRELOAD.toString()).lines().filter(l -> l.contains("NEEDED")))
        .singleElement(STRING)
        .endsWith(" libc.so.6");
    assertThat(needs(PRELOAD)).containsOnlyKeys("GLIBC");
    assertThat(needs(PRELOAD).get("GLIBC")).isLessThanOrEqualTo(NEWEST.get("GLIBC"));
    assertThat(exported(PRELOAD))
        .isNotEmpty()
        .allMatch(name -> name.startsWith("Java_org_cooper4j_internal_OpenMp_"));
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void onlyJniIsExported() throws Exception {
    assertThat(exported(LIBRARY))
        .contains("JNI_OnLoad")
        .allMatch(
            name ->
                name.startsWith("JNI_On")
                    || name.startsWith("Java_org_cooper4j_")
                    || name.startsWith("Java_org_bytedeco_javacpp_"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"jnicooper4j", "jnicooper4jpreload"})
  void noFolderOfTheBuildIsInALibrary(String name) throws IOException {
    Path library = LIBRARY.resolveSibling(System.mapLibraryName(name));
    String bytes = Files.readString(library, StandardCharsets.ISO_8859_1);
    assertThat(bytes.contains(Path.of("").toAbsolutePath().toString())).isFalse();
    assertThat(bytes.contains(System.getProperty("user.home") + "/")).isFalse();
  }

  @Test
  void everyClassThatTheNativeImageMetadataNamesExists() throws Exception {
    for (String library : List.of("jnicooper4j", "jnijavacpp")) {
      for (String kind : List.of("jni-config.json", "reflect-config.json")) {
        JsonArray classes =
            JsonParser.parseString(Files.readString(METADATA.resolve(library).resolve(kind)))
                .getAsJsonArray();
        assertThat(classes).isNotEmpty();
        for (JsonElement element : classes) {
          check(element.getAsJsonObject());
        }
      }
    }
  }

  private static void check(JsonObject entry) throws ReflectiveOperationException {
    Class<?> type =
        Class.forName(entry.get("name").getAsString(), false, NativeJarTest.class.getClassLoader());
    assertThat(entry.keySet()).as("%s", type).doesNotContain("methods", "fields");
  }

  @Test
  void theNativeImageMetadataNamesTheLibraryAndItsClasses() throws IOException {
    Path folder = METADATA.resolve("jnicooper4j");
    assertThat(folder.resolve("resource-config.json"))
        .content()
        .contains("(lib)?jnicooper4j(preload)?.(so|dylib|dll)");
    assertThat(folder.resolve("jni-config.json"))
        .content()
        .contains(Native.class.getName(), Document.class.getName(), Evaluation.class.getName());
  }
}
