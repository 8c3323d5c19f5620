// C++ exceptions as Java's, for the code that JavaCPP's generator writes: std::invalid_argument
// becomes IllegalArgumentException, any other std::logic_error (a call at the wrong time)
// IllegalStateException, everything else RuntimeException.
#pragma once

#include <jni.h>

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

#include "message.h"

namespace cooper4j::jni {

/// Java's form of a UTF-8 text. NewStringUTF takes another encoding, in which characters beyond the
/// BMP come as two surrogates. Bytes that are no UTF-8 become U+FFFD; a surrogate stays one.
inline std::u16string utf16(std::string_view text) {
  std::u16string units;
  units.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const size_t length = first < 0x80   ? 1
                          : first < 0xc2 ? 0
                          : first < 0xe0 ? 2
                          : first < 0xf0 ? 3
                          : first < 0xf5 ? 4
                                         : 0;
    char32_t point = length < 2 ? first : first & (0xff >> (length + 1));
    size_t read = 1;
    while (read < length && i + read < text.size() && (text[i + read] & 0xc0) == 0x80) {
      point = point << 6 | (text[i + read++] & 0x3f);
    }
    const bool is_overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
    if (read != length || is_overlong || point > 0x10ffff) {
      units += u'\ufffd';
    } else if (point < 0x10000) {
      units += static_cast<char16_t>(point);
    } else {
      units += static_cast<char16_t>(0xd7c0 + (point >> 10));
      units += static_cast<char16_t>(0xdc00 + (point & 0x3ff));
    }
    i += read;
  }
  return units;
}

/// The Java exception that says what the C++ one does. Null, with an exception of the JVM's
/// pending, if that fails.
inline jthrowable java_exception(JNIEnv* env, const std::exception& e) {
  const std::u16string text = utf16(message(e));
  const char* type = dynamic_cast<const std::invalid_argument*>(&e) != nullptr
                         ? "java/lang/IllegalArgumentException"
                     : dynamic_cast<const std::logic_error*>(&e) != nullptr
                         ? "java/lang/IllegalStateException"
                         : "java/lang/RuntimeException";
  const jclass java = env->FindClass(type);
  const jmethodID make =
      java == nullptr ? nullptr : env->GetMethodID(java, "<init>", "(Ljava/lang/String;)V");
  if (make == nullptr) return nullptr;
  const jstring string =
      env->NewString(reinterpret_cast<const jchar*>(text.data()), static_cast<jsize>(text.size()));
  if (string == nullptr) return nullptr;
  return static_cast<jthrowable>(env->NewObject(java, make, string));
}

/// Never thrown.
struct Nothing {
  const char* what() const { return ""; }
};

}  // namespace cooper4j::jni

// The generated function says `catch (GENERIC_EXCEPTION_CLASS& e) { … }`: put a handler before it.
#define GENERIC_EXCEPTION_CLASS                                         \
  std::exception & e) { return cooper4j::jni::java_exception(env, e); } \
  catch (cooper4j::jni::Nothing
