package org.cooper4j.internal;

import java.lang.reflect.Field;
import java.net.URL;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.bytedeco.javacpp.ClassProperties;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.pytorch.presets.torch;

/**
 * Spares JavaCPP the search for libraries of CUDA that are not there. It looks for each of 28 in
 * every jar and folder, although LibTorch is its CPU build, unless the property {@code
 * org.bytedeco.javacpp.platform.extension} is empty; but that holds for all of JavaCPP's libraries,
 * some of which may have an extension. So what it remembers of a search without a result is put
 * where it remembers it, once the first of the libraries is not found.
 */
final class CudaSearch {
  private static final String EXTENSION = "platform.extension";

  private CudaSearch() {}

  /** For LibTorch's CPU build; a failure is only logged, since JavaCPP then searches. */
  static void skip() {
    Properties properties = Loader.loadProperties();
    if (properties.getProperty(EXTENSION) != null) {
      return; // the user's
    }
    try {
      ClassProperties all = Loader.loadProperties(torch.class, properties, true);
      List<String> names = libraries(all);
      names.removeAll(libraries(withoutExtension(properties)));
      if (!names.isEmpty() && !loads(all, names.get(0))) {
        Map<String, URL[]> found = foundLibraries();
        names.forEach(name -> found.putIfAbsent(name, new URL[0]));
      }
    } catch (ReflectiveOperationException | LinkageError | RuntimeException e) {
      Log.LOGGER.debug("JavaCPP searches for the libraries of CUDA", e);
    }
  }

  private static ClassProperties withoutExtension(Properties properties) {
    Properties plain = new Properties();
    plain.putAll(properties);
    plain.setProperty(EXTENSION, "");
    return Loader.loadProperties(torch.class, plain, true);
  }

  /** As JavaCPP's Loader names them. */
  private static List<String> libraries(ClassProperties properties) {
    List<String> names = new ArrayList<>(properties.get("platform.preload"));
    names.addAll(properties.get("platform.link"));
    names.replaceAll(name -> name.replaceFirst("!$", ""));
    return names;
  }

  private static boolean loads(ClassProperties properties, String name) {
    try {
      Loader.loadLibrary(torch.class, Loader.findLibrary(torch.class, properties, name), name);
      return true;
    } catch (UnsatisfiedLinkError e) {
      return false;
    }
  }

  @SuppressWarnings("unchecked")
  private static Map<String, URL[]> foundLibraries() throws ReflectiveOperationException {
    Field field = Loader.class.getDeclaredField("foundLibraries");
    field.setAccessible(true);
    return (Map<String, URL[]>) field.get(null);
  }
}
