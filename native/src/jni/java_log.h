// Lines of cooper4j/log.h for Java.
#pragma once

#include <jni.h>

#include <string>

#include "cooper4j/log.h"
#include "exceptions.h"

namespace cooper4j::jni {

/// A class with a static method log(String).
struct JavaLog {
  JavaVM* vm = nullptr;
  jweak type = nullptr;  // so that its class loader may go
  jmethodID method = nullptr;
};

inline JavaLog& java_log() {
  static JavaLog instance;
  return instance;
}

/// Nothing in a thread that is not Java's.
inline void log_line(const std::string& line) {
  const JavaLog& log = java_log();
  JNIEnv* env = nullptr;
  if (log.vm->GetEnv(reinterpret_cast<void**>(&env), JNI_VERSION_1_6) != JNI_OK) return;
  if (env->ExceptionCheck()) return;
  const auto type = static_cast<jclass>(env->NewLocalRef(log.type));
  if (type == nullptr) return;
  const std::u16string text = utf16(line);
  const jstring string =
      env->NewString(reinterpret_cast<const jchar*>(text.data()), static_cast<jsize>(text.size()));
  if (string != nullptr) env->CallStaticVoidMethod(type, log.method, string);
  env->ExceptionClear();
  env->DeleteLocalRef(string);
  env->DeleteLocalRef(type);
}

/// Says lines to the class that calls; to nobody if it has no such method, as in a native image.
inline void log_to_java(JNIEnv* env, jclass caller) {
  JavaLog& log = java_log();
  log.method = env->GetStaticMethodID(caller, "log", "(Ljava/lang/String;)V");
  env->ExceptionClear();
  if (log.method == nullptr || env->GetJavaVM(&log.vm) != JNI_OK) return;
  log.type = env->NewWeakGlobalRef(caller);
  set_logger(log_line);
}

}  // namespace cooper4j::jni
