package org.cooper4j.internal;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.security.CodeSource;
import java.util.Enumeration;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;

/**
 * Loads the classes of JavaCPP's LibTorch in a thread of its own, without initialising them, while
 * libraries are looked for and loaded: the binding's library needs all of these classes as soon as
 * it is loaded, and would load them one after another. A failure is only logged, since whoever
 * needs the class then meets the same one.
 */
final class ClassesAhead {
  private static final String PACKAGE = "org.bytedeco.pytorch";

  /** What JavaCPP initialises first: a class file of 2.7 MB. */
  private static final String OPENBLAS = "org.bytedeco.openblas.global.openblas";

  private static final String TORCH = PACKAGE + ".global.torch";
  private static final String SUFFIX = ".class";

  private ClassesAhead() {}

  /** Starts loading; nothing where there is but one processor. */
  static void load() {
    if (Runtime.getRuntime().availableProcessors() > 1) {
      Thread thread = new Thread(ClassesAhead::loadAll, "cooper4j-classes");
      thread.setDaemon(true);
      thread.start();
    }
  }

  private static void loadAll() {
    ClassLoader loader = ClassesAhead.class.getClassLoader();
    try {
      Class.forName(OPENBLAS, false, loader);
      CodeSource source = Class.forName(TORCH, false, loader).getProtectionDomain().getCodeSource();
      if (source != null) {
        loadAll(source, loader);
      }
    } catch (ClassNotFoundException
        | IOException
        | LinkageError
        | RuntimeException
        | URISyntaxException e) {
      Log.LOGGER.debug("classes are loaded when they are asked for", e);
    }
  }

  /** Those of the package, without its subpackages. */
  private static void loadAll(CodeSource source, ClassLoader loader)
      throws ClassNotFoundException, IOException, URISyntaxException {
    String folder = PACKAGE.replace('.', '/') + "/";
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
    }
  }
}
