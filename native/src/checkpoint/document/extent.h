// Whether a tensor's sizes, strides and offset stay inside its storage, in arithmetic that cannot
// overflow. All throw std::invalid_argument.
#pragma once

#include <cstdint>
#include <vector>

#include "cooper4j/document.h"

namespace cooper4j {

inline constexpr size_t kMaxDims = 64;  // as LibTorch's TensorIterator

/// The product of the sizes; throws when one is negative or the product passes 2^63 - 1.
int64_t require_elements(const std::vector<int64_t>& sizes);

void require_extent(const TensorInfo& tensor, const Storage& storage);

/// The shapes of the parts fit each other and the size. Index values are not looked at here.
void require_coo(const SparseInfo& sparse, const TensorInfo& indices, const TensorInfo& values);
void require_csr(const SparseInfo& sparse, const TensorInfo& compressed, const TensorInfo& plain,
                 const TensorInfo& values);

bool is_complex(Dtype dtype);
/// Floating point or complex: what torch lets require gradients.
bool is_differentiable(Dtype dtype);

/// "[2, 3]"
std::string format_sizes(const std::vector<int64_t>& sizes);

}  // namespace cooper4j
