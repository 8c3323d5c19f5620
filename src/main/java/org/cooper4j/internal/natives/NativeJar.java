package org.cooper4j.internal.natives;

/**
 * What the module of a native jar provides, so that nobody need require it or name it on the
 * command line. Alone in its package, which is exported: a jar for a new platform changes nothing
 * here.
 */
public interface NativeJar {}
