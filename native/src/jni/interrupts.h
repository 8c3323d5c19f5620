// Interrupts of Java's threads, for native calls that wait for other processes.
#pragma once

#include <jni.h>

#include "distributed/interrupts.h"

namespace cooper4j::jni {

struct JavaThread {
  JavaVM* vm = nullptr;
  jclass type = nullptr;
  jmethodID current = nullptr;
  jmethodID is_interrupted = nullptr;
};

inline JavaThread& java_thread() {
  static JavaThread instance;
  return instance;
}

/// Of this thread, whose flag stays set; not in one that is not Java's.
inline bool is_interrupted() {
  const JavaThread& java = java_thread();
  JNIEnv* env = nullptr;
  if (java.vm->GetEnv(reinterpret_cast<void**>(&env), JNI_VERSION_1_6) != JNI_OK) return false;
  const jobject thread = env->CallStaticObjectMethod(java.type, java.current);
  const bool interrupted = env->CallBooleanMethod(thread, java.is_interrupted) == JNI_TRUE;
  env->DeleteLocalRef(thread);
  return interrupted;
}

/// From now on waits end with them.
inline void see_interrupts(JNIEnv* env, jclass /*caller*/) {
  JavaThread& java = java_thread();
  const jclass type = env->FindClass("java/lang/Thread");
  java.type = static_cast<jclass>(env->NewGlobalRef(type));
  java.current = env->GetStaticMethodID(type, "currentThread", "()Ljava/lang/Thread;");
  java.is_interrupted = env->GetMethodID(type, "isInterrupted", "()Z");
  if (env->GetJavaVM(&java.vm) == JNI_OK) distributed::set_interrupt_check(is_interrupted);
}

}  // namespace cooper4j::jni
