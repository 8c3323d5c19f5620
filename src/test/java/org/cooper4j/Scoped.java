package org.cooper4j;

import org.bytedeco.javacpp.PointerScope;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Releases what each test of a class makes: {@link ExtendWith} this. */
public final class Scoped implements BeforeEachCallback, AfterEachCallback {
  private PointerScope scope;

  @Override
  public void beforeEach(ExtensionContext context) {
    scope = new PointerScope();
  }

  @Override
  public void afterEach(ExtensionContext context) {
    scope.close();
  }
}
