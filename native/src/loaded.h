// Functions of libraries that LibTorch has loaded, by name.
#pragma once

namespace cooper4j {

// JavaCPP's names; PyPI's torch has its OpenBLAS under the same on Linux.
#if defined(_WIN32)
inline constexpr const char* kOpenBlas = "libopenblas.dll";
inline constexpr const char* kOpenMp = "vcomp140.dll";
#elif defined(__APPLE__)
inline constexpr const char* kOpenBlas = "@rpath/libopenblas.0.dylib";
inline constexpr const char* kOpenMp = "@rpath/libiomp5.dylib";
#else
inline constexpr const char* kOpenBlas = "libopenblas.so.0";
inline constexpr const char* kOpenMp = "libtorch_cpu.so";  // searched with all that it needs
#endif

/// The function's address; null if the library is not loaded or has none of that name.
void* find_loaded(const char* library, const char* name);

template <typename Function>
Function* find_loaded(const char* library, const char* name) {
  return reinterpret_cast<Function*>(find_loaded(library, name));
}

}  // namespace cooper4j
