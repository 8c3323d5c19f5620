package org.cooper4j.internal.natives;

/**
 * What the module of a native jar provides, so that nobody need require it or name it on the
 * command line. Alone in its package, which is exported to all: the module system binds no provider
 * of a service that is not exported to it, and to name the native jars' modules would be a second
 * list of the platforms.
 */
public interface NativeJar {}
