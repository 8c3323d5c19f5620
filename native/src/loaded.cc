#include "loaded.h"

#if defined(_WIN32)
#include "windows_api.h"
#else
#include <dlfcn.h>
#endif

namespace cooper4j {

void* find_loaded(const char* library, const char* name) {
#if defined(_WIN32)
  const HMODULE module = GetModuleHandleA(library);
  if (module == nullptr) return nullptr;
  return reinterpret_cast<void*>(GetProcAddress(module, name));
#else
  void* const handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
  if (handle == nullptr) return nullptr;
  void* const function = dlsym(handle, name);
  dlclose(handle);  // LibTorch keeps it
  return function;
#endif
}

}  // namespace cooper4j
