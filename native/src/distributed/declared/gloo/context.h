// What LibTorch's ProcessGroupGloo.hpp names of Gloo, declared and nothing more: no LibTorch comes
// with Gloo's headers. These objects are made and destroyed inside LibTorch alone, so that nothing
// here depends on what they look like.
#pragma once

#include <chrono>

namespace gloo {

class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
};

}  // namespace gloo
