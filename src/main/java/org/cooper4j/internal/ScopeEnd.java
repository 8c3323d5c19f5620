package org.cooper4j.internal;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;

/** Runs something when the innermost PointerScope around its making closes. */
public final class ScopeEnd extends Pointer {
  private ScopeEnd(Runnable action) {
    super((Pointer) null);
    deallocator(action::run);
  }

  /** Does nothing outside of any scope. */
  public static void onClose(Runnable action) {
    if (PointerScope.getInnerScope() != null) {
      new ScopeEnd(action);
    }
  }
}
