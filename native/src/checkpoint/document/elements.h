// A tensor's logical values as bytes, without LibTorch.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "checkpoint/document/budget.h"
#include "cooper4j/document.h"

namespace cooper4j {

/// Logical bytes: elements times their size.
uint64_t logical_bytes(const TensorInfo& tensor);

/// The steps of handing out the elements: one a byte, and one an element that has to be found.
uint64_t piece_work(const TensorInfo& tensor);

/// Counts what handing out the elements will cost before it is done.
void charge_pieces(const TensorInfo& tensor, Budget& budget, const std::string& what);

/// Hands out the elements in row-major order, conj and neg resolved, in pieces of a moderate size.
void for_each_piece(const Document& document, const TensorInfo& tensor,
                    const std::function<void(std::string_view)>& accept);

}  // namespace cooper4j
