// Java's org.cooper4j.internal.LibrariesAhead: dlopen without the JVM, which would keep the library
// for one class loader, and all others waiting meanwhile.
#include <jni.h>

#if defined(__linux__)
#include <dlfcn.h>
#endif

extern "C" JNIEXPORT jboolean JNICALL
Java_org_cooper4j_internal_LibrariesAhead_open(JNIEnv* env, jclass /*caller*/, jstring path) {
#if defined(__linux__)
  const char* const name = env->GetStringUTFChars(path, nullptr);
  if (name == nullptr) return JNI_FALSE;
  void* const library = dlopen(name, RTLD_LAZY);
  env->ReleaseStringUTFChars(path, name);
  return library != nullptr ? JNI_TRUE : JNI_FALSE;
#else
  static_cast<void>(env);
  static_cast<void>(path);
  return JNI_FALSE;
#endif
}
