// A tensor's logical values as bytes, without LibTorch.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "cooper4j/document.h"

namespace cooper4j {

/// Logical bytes: elements times their size.
uint64_t logical_bytes(const TensorInfo& tensor);

/// Hands out the elements in row-major order, conj and neg resolved, in pieces of a moderate size.
void for_each_piece(const Document& document, const TensorInfo& tensor,
                    const std::function<void(std::string_view)>& accept);

}  // namespace cooper4j
