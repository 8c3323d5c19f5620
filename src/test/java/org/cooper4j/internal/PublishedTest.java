package org.cooper4j.internal;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/** What is installed beside the jars brings native jars to Maven and Gradle alike. */
class PublishedTest {
  private static final List<String> PLATFORMS =
      List.of(System.getProperty("cooper4j.test.platforms").split(","));
  private static final Path POM = Path.of("target/published-pom.xml");
  private static final Path MODULE = Path.of("target/published.module");

  private static List<Element> children(Element parent, String... path) {
    List<Element> found = List.of(parent);
    for (String name : path) {
      List<Element> next = new ArrayList<>();
      for (Element element : found) {
        for (Node node = element.getFirstChild(); node != null; node = node.getNextSibling()) {
          if (node instanceof Element child && child.getTagName().equals(name)) {
            next.add(child);
          }
        }
      }
      found = next;
    }
    return found;
  }

  private static String text(Element parent, String name) {
    List<Element> found = children(parent, name);
    return found.isEmpty() ? "" : found.get(0).getTextContent();
  }

  private static Element pom() throws Exception {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(POM.toFile())
        .getDocumentElement();
  }

  /** The jars as group:artifact:version:classifier. */
  private static List<String> jars(Element parent, boolean api) {
    return children(parent, "dependencies", "dependency").stream()
        .filter(d -> !text(d, "optional").equals("true"))
        .filter(d -> !api || text(d, "scope").equals("compile"))
        .map(
            d ->
                String.join(
                    ":",
                    text(d, "groupId"),
                    text(d, "artifactId"),
                    text(d, "version"),
                    text(d, "classifier")))
        .toList();
  }

  private static List<String> jars(Element pom, List<String> platforms) {
    List<String> jars = new ArrayList<>(jars(pom, false));
    for (Element profile : children(pom, "profiles", "profile")) {
      if (platforms.contains(text(profile, "id"))) {
        jars.addAll(jars(profile, false));
      }
    }
    return jars;
  }

  private static JsonObject module() throws Exception {
    return JsonParser.parseString(Files.readString(MODULE)).getAsJsonObject();
  }

  private static Map<String, JsonObject> variants() throws Exception {
    Map<String, JsonObject> variants = new LinkedHashMap<>();
    for (JsonElement variant : module().getAsJsonArray("variants")) {
      variants.put(variant.getAsJsonObject().get("name").getAsString(), variant.getAsJsonObject());
    }
    return variants;
  }

  /** A variant's jars but the main one, as in the POM. */
  private static List<String> jars(JsonObject variant) throws Exception {
    JsonObject component = module().getAsJsonObject("component");
    String version = component.get("version").getAsString();
    String main = component.get("module").getAsString() + "-" + version;
    List<String> jars = new ArrayList<>();
    for (JsonElement element : variant.getAsJsonArray("files")) {
      String name = element.getAsJsonObject().get("name").getAsString();
      assertThat(element.getAsJsonObject().get("url").getAsString()).isEqualTo(name);
      assertThat(name).startsWith(main).endsWith(".jar");
      if (!name.equals(main + ".jar")) {
        String classifier = name.substring(main.length() + 1, name.length() - ".jar".length());
        jars.add("org.cooper4j:cooper4j:" + version + ":" + classifier);
      }
    }
    for (JsonElement element : variant.getAsJsonArray("dependencies")) {
      JsonObject dependency = element.getAsJsonObject();
      JsonObject third = dependency.getAsJsonObject("thirdPartyCompatibility");
      jars.add(
          String.join(
              ":",
              dependency.get("group").getAsString(),
              dependency.get("module").getAsString(),
              dependency.getAsJsonObject("version").get("requires").getAsString(),
              third == null
                  ? ""
                  : third.getAsJsonObject("artifactSelector").get("classifier").getAsString()));
    }
    return jars;
  }

  private static String attribute(JsonObject variant, String name) {
    JsonElement value = variant.getAsJsonObject("attributes").get("org.gradle." + name);
    return value == null ? null : value.getAsString();
  }

  @Test
  void thePomHasAProfileForEachPlatformWithItsFourNativeJars() throws Exception {
    List<Element> profiles = children(pom(), "profiles", "profile");
    assertThat(profiles.stream().map(p -> text(p, "id"))).containsExactlyElementsOf(PLATFORMS);
    for (Element profile : profiles) {
      assertThat(children(profile, "activation", "os")).hasSize(1);
      assertThat(jars(profile, false))
          .hasSize(4)
          .allMatch(jar -> jar.endsWith(":" + text(profile, "id")));
    }
    assertThat(jars(pom(), false)).allMatch(jar -> jar.endsWith(":"));
  }

  @Test
  void thePomSaysThatThereIsModuleMetadata() throws Exception {
    assertThat(POM).content().contains("<!-- do_not_remove: published-with-gradle-metadata -->");
    JsonObject component = module().getAsJsonObject("component");
    assertThat(component.get("group").getAsString()).isEqualTo(text(pom(), "groupId"));
    assertThat(component.get("module").getAsString()).isEqualTo(text(pom(), "artifactId"));
    assertThat(component.get("version").getAsString()).isEqualTo(text(pom(), "version"));
  }

  @Test
  void aVariantOfTheModuleMetadataBringsWhatThePomsProfileDoes() throws Exception {
    Map<String, JsonObject> variants = variants();
    assertThat(variants).hasSize(2 + PLATFORMS.size());
    for (String platform : PLATFORMS) {
      JsonObject variant = variants.get(platform + "RuntimeElements");
      assertThat(jars(variant)).containsExactlyInAnyOrderElementsOf(jars(pom(), List.of(platform)));
      assertThat(attribute(variant, "usage")).isEqualTo("java-runtime");
      // As Gradle's OperatingSystemFamily and MachineArchitecture say it.
      assertThat(attribute(variant, "native.operatingSystem")).isIn("linux", "macos", "windows");
      assertThat(attribute(variant, "native.architecture")).isIn("x86-64", "aarch64");
    }
  }

  @Test
  void whoAsksForNoPlatformGetsTheNativeJarsThatThereAre() throws Exception {
    JsonObject variant = variants().get("runtimeElements");
    assertThat(jars(variant))
        .containsExactlyInAnyOrderElementsOf(jars(pom(), List.of(Loader.getPlatform())));
    assertThat(attribute(variant, "native.operatingSystem")).isNull();
    assertThat(attribute(variant, "native.architecture")).isNull();
  }

  @Test
  void whoCompilesGetsNoNativeJar() throws Exception {
    JsonObject variant = variants().get("apiElements");
    assertThat(jars(variant)).containsExactlyInAnyOrderElementsOf(jars(pom(), true));
    assertThat(attribute(variant, "usage")).isEqualTo("java-api");
    assertThat(variants().values())
        .allSatisfy(v -> assertThat(attribute(v, "jvm.version")).isEqualTo("17"));
  }
}
