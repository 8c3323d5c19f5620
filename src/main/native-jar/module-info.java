/** The native library for @platform@, and the JavaCPP libraries that it needs. */
@SuppressWarnings("module") // a name that ends in digits is the platform's
open module org.cooper4j.@module@ {
  requires transitive org.cooper4j;
  requires org.bytedeco.javacpp.@module@;
  requires org.bytedeco.openblas.@module@;
  requires org.bytedeco.pytorch.@module@;

  provides org.cooper4j.internal.natives.NativeJar with
      org.cooper4j.@module@.Platform;
}
