// A cheaper watch over the process's memory for JavaCPP.
//
// JavaCPP asks for the process's memory whenever Java gets a tensor, to collect garbage before it
// runs out, and reads /proc for it: 2 µs, the price of a small operation. Memory does not move that
// fast, so here the answer is read again only after a few milliseconds.
#pragma once

#include <jni.h>

#include <atomic>
#include <chrono>

namespace cooper4j::jni {

/// org.bytedeco.javacpp.Pointer.physicalBytesInaccurate, from Pointer.physicalBytes.
inline jlong JNICALL recent_physical_bytes(JNIEnv* env, jclass pointer, jlong /*max_size*/) {
  using Clock = std::chrono::steady_clock;
  static std::atomic<Clock::rep> next_reading{0};
  static std::atomic<jlong> bytes{0};
  const auto now = Clock::now().time_since_epoch();
  if (now.count() >= next_reading.load(std::memory_order_relaxed)) {
    next_reading = (now + std::chrono::milliseconds(5)).count();
    const jmethodID method = env->GetStaticMethodID(pointer, "physicalBytes", "()J");
    if (method != nullptr) bytes = env->CallStaticLongMethod(pointer, method);
  }
  return bytes.load(std::memory_order_relaxed);
}

/// Puts recent_physical_bytes in its place; where JavaCPP has no such method, nothing changes.
inline void watch_memory(JNIEnv* env, jclass /*caller*/) {
  const jclass pointer = env->FindClass("org/bytedeco/javacpp/Pointer");
  if (pointer != nullptr) {
    const JNINativeMethod method{const_cast<char*>("physicalBytesInaccurate"),
                                 const_cast<char*>("(J)J"),
                                 reinterpret_cast<void*>(&recent_physical_bytes)};
    env->RegisterNatives(pointer, &method, 1);
  }
  env->ExceptionClear();
}

}  // namespace cooper4j::jni
