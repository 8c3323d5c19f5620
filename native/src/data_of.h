// A tensor's elements, to read.
#pragma once

#include <ATen/core/TensorBase.h>
#include <c10/core/ScalarType.h>
#include <c10/util/Exception.h>

namespace cooper4j {

/// What const_data_ptr<T>() gives, with its check. That one is a template whose exported name Clang
/// 18 and newer spell in another way than the compilers which LibTorch is built with.
template <typename T>
const T* data_of(const at::TensorBase& tensor) {
  TORCH_CHECK(tensor.scalar_type() == c10::CppTypeToScalarType<T>::value, "expected elements of ",
              c10::CppTypeToScalarType<T>::value, ", found ", tensor.scalar_type());
  return static_cast<const T*>(tensor.const_data_ptr());
}

}  // namespace cooper4j
