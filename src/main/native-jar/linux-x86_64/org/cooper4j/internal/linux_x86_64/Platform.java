package org.cooper4j.internal.linux_x86_64;

import org.cooper4j.internal.NativeJar;

/** Only names the module. */
public final class Platform implements NativeJar {}
