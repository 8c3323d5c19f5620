package org.cooper4j.@module@;

import org.cooper4j.internal.natives.NativeJar;

/** Only names the module. */
public final class Platform implements NativeJar {}
