/** The native library for 64-bit Linux on x86, and the JavaCPP libraries that it needs. */
@SuppressWarnings("module") // a name that ends in digits is the platform's
open module org.cooper4j.linux.x86_64 {
  requires transitive org.cooper4j;
  requires org.bytedeco.javacpp.linux.x86_64;
  requires org.bytedeco.openblas.linux.x86_64;
  requires org.bytedeco.pytorch.linux.x86_64;

  provides org.cooper4j.internal.NativeJar with
      org.cooper4j.internal.linux_x86_64.Platform;
}
