// Java's org.cooper4j.internal.OpenMp: OpenMP reads its settings when it is loaded, which LibTorch
// does; so the one that matters is put into the environment before, and taken out again afterwards.
// Not on Windows, whose OpenMP has no such setting.
#include <jni.h>
#include <stdlib.h>

#if !defined(_WIN32)
#include <dlfcn.h>

namespace {

constexpr const char* kVariable = "OMP_WAIT_POLICY";
constexpr const char* kUsers[] = {kVariable, "GOMP_SPINCOUNT", "KMP_BLOCKTIME"};
#if defined(__APPLE__)
constexpr const char* kOpenMp = "@rpath/libiomp5.dylib";
#else
constexpr const char* kOpenMp = "libgomp.so.1";
#endif

void* loaded() { return dlopen(kOpenMp, RTLD_LAZY | RTLD_NOLOAD); }

}  // namespace
#endif

extern "C" {

JNIEXPORT jboolean JNICALL Java_org_cooper4j_internal_OpenMp_isLoaded(JNIEnv* /*env*/, jclass) {
#if defined(_WIN32)
  return JNI_FALSE;
#else
  void* const library = loaded();
  if (library != nullptr) dlclose(library);
  return library != nullptr ? JNI_TRUE : JNI_FALSE;
#endif
}

JNIEXPORT jboolean JNICALL Java_org_cooper4j_internal_OpenMp_sleepWhenIdle(JNIEnv* /*env*/,
                                                                           jclass) {
#if defined(_WIN32)
  return JNI_FALSE;
#else
  for (const char* name : kUsers) {
    if (getenv(name) != nullptr) return JNI_FALSE;
  }
  return setenv(kVariable, "passive", 0) == 0 ? JNI_TRUE : JNI_FALSE;
#endif
}

JNIEXPORT void JNICALL Java_org_cooper4j_internal_OpenMp_restore(JNIEnv* /*env*/, jclass) {
#if defined(__APPLE__)
  // Intel's reads the environment at the first call rather than when it is loaded.
  if (void* const library = loaded()) {
    if (auto* const call = reinterpret_cast<int (*)()>(dlsym(library, "omp_get_max_threads")))
      call();
    dlclose(library);
  }
#endif
#if !defined(_WIN32)
  unsetenv(kVariable);
#endif
}

}  // extern "C"
