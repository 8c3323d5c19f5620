// Java's org.cooper4j.internal.OpenMp: libgomp reads its settings when it is loaded, which LibTorch
// does; so the one that matters is put into the environment before, and taken out again afterwards.
#include <dlfcn.h>
#include <jni.h>
#include <stdlib.h>

namespace {

constexpr const char* kVariable = "OMP_WAIT_POLICY";
constexpr const char* kUsers[] = {kVariable, "GOMP_SPINCOUNT", "KMP_BLOCKTIME"};

}  // namespace

extern "C" {

JNIEXPORT jboolean JNICALL Java_org_cooper4j_internal_OpenMp_isLoaded(JNIEnv* /*env*/, jclass) {
  void* const library = dlopen("libgomp.so.1", RTLD_LAZY | RTLD_NOLOAD);
  if (library != nullptr) dlclose(library);
  return library != nullptr ? JNI_TRUE : JNI_FALSE;
}

JNIEXPORT jboolean JNICALL Java_org_cooper4j_internal_OpenMp_sleepWhenIdle(JNIEnv* /*env*/,
                                                                           jclass) {
  for (const char* name : kUsers) {
    if (getenv(name) != nullptr) return JNI_FALSE;
  }
  return setenv(kVariable, "passive", 0) == 0 ? JNI_TRUE : JNI_FALSE;
}

JNIEXPORT void JNICALL Java_org_cooper4j_internal_OpenMp_restore(JNIEnv* /*env*/, jclass) {
  unsetenv(kVariable);
}

}  // extern "C"
