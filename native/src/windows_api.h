// Windows' own functions, for what the standard library has not. Only to be included on Windows.
#pragma once

#ifndef NOMINMAX
#define NOMINMAX
#endif
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

#include <string>
#include <system_error>

namespace cooper4j {

inline std::string last_error() {
  const auto code = static_cast<int>(GetLastError());
  return std::error_code(code, std::system_category()).message();
}

}  // namespace cooper4j
