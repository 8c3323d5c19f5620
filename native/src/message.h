// What an exception says to people.
#pragma once

#include <c10/util/Exception.h>

#include <exception>

namespace cooper4j {

/// Of LibTorch's errors the text alone, without the C++ stack frames that they append.
inline const char* message(const std::exception& e) {
  const auto* error = dynamic_cast<const c10::Error*>(&e);
  return error != nullptr ? error->what_without_backtrace() : e.what();
}

}  // namespace cooper4j
