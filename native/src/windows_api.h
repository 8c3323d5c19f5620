// Windows' own functions, for what the standard library has not. Only to be included on Windows.
#pragma once

#ifndef NOMINMAX
#define NOMINMAX
#endif
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

#include <filesystem>
#include <string>

namespace cooper4j {

/// What the last call of Windows failed by, in UTF-8 as all messages are; the standard library's is in
/// the code page of the system.
inline std::string last_error() {
  constexpr DWORD kFlags = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS;
  const DWORD code = GetLastError();
  wchar_t text[512];
  DWORD length = FormatMessageW(kFlags, nullptr, code, 0, text, 512, nullptr);
  while (length > 0 && (text[length - 1] == L'\n' || text[length - 1] == L'\r' || text[length - 1] == L'.'))
    --length;
  if (length == 0) return "error " + std::to_string(code);
  return std::filesystem::path(text, text + length).u8string();
}

}  // namespace cooper4j
