package org.cooper4j.internal;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the library says about itself: once each what it chose and loaded, and where it goes by a
 * slower way, at debug; what users should change, at warn.
 */
public final class Log {
  public static final Logger LOGGER = LoggerFactory.getLogger("org.cooper4j");

  private Log() {}
}
