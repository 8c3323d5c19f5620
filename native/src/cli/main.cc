#if defined(_WIN32)
#include "windows_api.h"
// After it:
#include <shellapi.h>
#endif

#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "cooper4j/command.h"

namespace {

/// In UTF-8. Windows gives main() those of the machine's code page, which has not every character.
std::vector<std::string> arguments([[maybe_unused]] int argc, [[maybe_unused]] char** argv) {
#if defined(_WIN32)
  int count = 0;
  wchar_t** const wide = CommandLineToArgvW(GetCommandLineW(), &count);
  std::vector<std::string> list;
  for (int i = 1; i < count; ++i) list.push_back(std::filesystem::path(wide[i]).u8string());
  LocalFree(wide);
  return list;
#else
  return {argv + 1, argv + argc};
#endif
}

}  // namespace

int main(int argc, char** argv) {
#if defined(_WIN32)
  SetConsoleOutputCP(CP_UTF8);
#endif
  return cooper4j::run_command(arguments(argc, argv), std::cout, std::cerr);
}
