package org.cooper4j.internal;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.security.CodeSource;
import java.util.Enumeration;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;

/**
 * Loads the classes of a JavaCPP binding in a thread of its own, without initialising them, while
 * JavaCPP still looks for libraries: the binding's library needs all of these classes as soon as it
 * is loaded, and would load them one after another. A failure is only logged, since whoever needs
 * the class then meets the same one.
 */
final class ClassesAhead {
  private static final String SUFFIX = ".class";

  private ClassesAhead() {}

  /**
   * Starts loading.
   *
   * @param member a class whose jar has the others
   * @param packageName their package; its subpackages are left out
   */
  static void load(Class<?> member, String packageName) {
    CodeSource source = member.getProtectionDomain().getCodeSource();
    if (source == null || Runtime.getRuntime().availableProcessors() == 1) {
      return;
    }
    Thread thread =
        new Thread(() -> loadAll(source, packageName, member.getClassLoader()), "cooper4j-classes");
    thread.setDaemon(true);
    thread.start();
  }

  private static void loadAll(CodeSource source, String packageName, ClassLoader loader) {
    String folder = packageName.replace('.', '/') + "/";
    try (JarFile jar = new JarFile(new File(source.getLocation().toURI()))) {
      for (Enumeration<JarEntry> entries = jar.entries(); entries.hasMoreElements(); ) {
        String name = entries.nextElement().getName();
        if (name.startsWith(folder)
            && name.endsWith(SUFFIX)
            && name.indexOf('/', folder.length()) < 0) {
          String binary = name.substring(0, name.length() - SUFFIX.length()).replace('/', '.');
          Class.forName(binary, false, loader);
        }
      }
    } catch (ClassNotFoundException
        | IOException
        | LinkageError
        | RuntimeException
        | URISyntaxException e) {
      Log.LOGGER.debug("classes are loaded when they are asked for", e);
    }
  }
}
