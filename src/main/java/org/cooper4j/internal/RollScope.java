package org.cooper4j.internal;

import java.util.Iterator;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;

/**
 * Owns what was made during one roll, from its start to the next one. Its tensors belong to the
 * thread that rolled: that thread's next roll frees them, whoever is reading.
 */
public final class RollScope extends PointerScope {
  private final Thread thread = Thread.currentThread();
  private boolean released;

  /** The scope of the roll that this thread is in; null outside of rolls. */
  public static RollScope current() {
    if (PointerScope.getInnerScope() instanceof RollScope scope) {
      return scope;
    }
    for (Iterator<PointerScope> scopes = PointerScope.getScopeIterator();
        scopes != null && scopes.hasNext(); ) {
      if (scopes.next() instanceof RollScope scope) {
        return scope;
      }
    }
    return null;
  }

  /**
   * Calls what the user wrote, in this thread's roll.
   *
   * @param method its name
   * @throws IllegalStateException if it left a scope open, which is closed then, or gave null
   */
  public static <T> T call(String method, Supplier<T> function) {
    PointerScope around = PointerScope.getInnerScope();
    T result;
    boolean leaked;
    try {
      result = function.get();
    } catch (RuntimeException e) {
      throw Released.explain(method, e);
    } finally {
      leaked = closeWithin(around);
    }
    if (leaked) {
      throw new IllegalStateException(
          method
              + " left a PointerScope open, to which whatever this thread makes would belong from"
              + " now on; it was closed: use try (PointerScope scope = new PointerScope()) { … },"
              + " or none, since what is made in it is released anyway");
    }
    if (result == null) {
      throw new IllegalStateException(
          method + " returned null; return a CMPState, such as CMPState.of(loss)");
    }
    return result;
  }

  /** Closes the scopes that somebody opened and left open; whether any was. */
  private static boolean closeWithin(PointerScope around) {
    boolean any = false;
    for (PointerScope inner = PointerScope.getInnerScope();
        inner != null && inner != around && !(inner instanceof RollScope);
        inner = PointerScope.getInnerScope()) {
      inner.close();
      any = true;
    }
    return any;
  }

  /**
   * Throws unless what was made here may be read now.
   *
   * @param what a singular, such as "the loss of this RollOut"
   * @throws IllegalStateException after the release, or in another thread
   */
  public void check(String what) {
    if (!isOwn()) {
      throw new IllegalStateException(
          what
              + " belongs to thread '"
              + thread.getName()
              + "', whose next roll releases it; read its values there and hand those over;"
              + " see docs/troubleshooting.md#threads");
    }
    if (released) {
      throw new IllegalStateException(
          what
              + " was released by the next roll, or by close(); read it before, or keep a copy;"
              + " see docs/troubleshooting.md#released");
    }
  }

  /** Whether {@link #check} passes. */
  public boolean isReadable() {
    return isOwn() && !released;
  }

  private boolean isOwn() {
    return Thread.currentThread() == thread;
  }

  /** Frees everything. */
  public void release() {
    released = true;
    close();
  }
}
