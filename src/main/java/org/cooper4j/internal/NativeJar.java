package org.cooper4j.internal;

/**
 * What the module of a native jar provides, so that nobody need require it or name it on the
 * command line.
 */
public interface NativeJar {}
