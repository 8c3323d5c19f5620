package org.cooper4j.internal;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.security.CodeSource;
import java.util.Enumeration;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;

/**
 * Loads the classes of a JavaCPP binding in a thread of its own, without initialising them: the
 * binding's library asks for all of them, one after another, as soon as it is loaded. Until then
 * JavaCPP is busy looking for libraries. What fails here is left to those who need the class.
 */
final class ClassesAhead {
  private static final String SUFFIX = ".class";

  private ClassesAhead() {}

  /** Those of the package, subpackages left out, in the jar that a class is of. */
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
