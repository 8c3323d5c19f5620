// What every optimizer's options must satisfy, with one way to say so.
#pragma once

#include <cmath>
#include <sstream>
#include <stdexcept>
#include <string>

namespace cooper4j::optim {

[[noreturn]] inline void refuse(const std::string& optimizer, const std::string& option,
                                const std::string& expected, double got) {
  std::ostringstream message;
  message << optimizer << ": " << option << " must be " << expected << ", got " << got;
  throw std::invalid_argument(message.str());
}

inline void check_not_negative(const std::string& optimizer, const std::string& option,
                               double value) {
  // The negation also catches NaN.
  if (!(value >= 0)) refuse(optimizer, option, "at least 0", value);
}

}  // namespace cooper4j::optim
