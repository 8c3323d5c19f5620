#include "checkpoint/document/extent.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace cooper4j {
namespace {

[[noreturn]] void outside(const TensorInfo& tensor, const Storage& storage) {
  throw std::invalid_argument(std::string("a ") + dtype_name(tensor.dtype) + " tensor of shape " +
                              format_sizes(tensor.sizes) + ", stride " +
                              format_sizes(tensor.strides) + " at offset " +
                              std::to_string(tensor.offset) + " reaches past the " +
                              std::to_string(storage.nbytes) + " bytes of its storage");
}

[[noreturn]] void bad_sparse(const char* layout, const SparseInfo& sparse, const std::string& why) {
  throw std::invalid_argument(std::string("a sparse ") + layout + " tensor of size " +
                              format_sizes(sparse.sizes) + " has " + why);
}

bool starts_with(const std::vector<int64_t>& all, const std::vector<int64_t>& start) {
  return all.size() >= start.size() && std::equal(start.begin(), start.end(), all.begin());
}

}  // namespace

bool is_complex(Dtype dtype) {
  return dtype == Dtype::kComplex128 || dtype == Dtype::kComplex64 || dtype == Dtype::kComplex32;
}

bool is_differentiable(Dtype dtype) {
  return dtype <= Dtype::kComplex32 || dtype >= Dtype::kFloat8E4M3Fn;
}

std::string format_sizes(const std::vector<int64_t>& sizes) {
  std::string text = "[";
  for (size_t i = 0; i < sizes.size(); ++i) text += (i ? ", " : "") + std::to_string(sizes[i]);
  return text + "]";
}

int64_t require_elements(const std::vector<int64_t>& sizes) {
  int64_t count = 1;
  bool empty = false;
  for (int64_t size : sizes) {
    if (size < 0)
      throw std::invalid_argument("a tensor of shape " + format_sizes(sizes) +
                                  " has a negative size");
    if (size == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(count, size, &count)) {
      throw std::invalid_argument("a tensor of shape " + format_sizes(sizes) +
                                  " has more than 2^63 - 1 elements");
    }
  }
  return empty ? 0 : count;
}

void require_extent(const TensorInfo& tensor, const Storage& storage) {
  if (tensor.sizes.size() != tensor.strides.size())
    throw std::invalid_argument("a tensor has " + std::to_string(tensor.sizes.size()) +
                                " sizes but " + std::to_string(tensor.strides.size()) + " strides");
  if (tensor.offset < 0) outside(tensor, storage);
  const int64_t elements = require_elements(tensor.sizes);
  int64_t last = tensor.offset;
  for (size_t i = 0; i < tensor.sizes.size(); ++i) {
    if (tensor.strides[i] < 0)
      throw std::invalid_argument("a tensor has the negative stride " +
                                  std::to_string(tensor.strides[i]));
    int64_t reach = 0;
    if (elements == 0) continue;
    if (__builtin_mul_overflow(tensor.sizes[i] - 1, tensor.strides[i], &reach) ||
        __builtin_add_overflow(last, reach, &last))
      outside(tensor, storage);
  }
  const int64_t size = dtype_size(tensor.dtype);
  int64_t bytes = 0;
  if (__builtin_mul_overflow(elements, size, &bytes) ||
      __builtin_add_overflow(last, int64_t{1}, &last) || __builtin_mul_overflow(last, size, &bytes))
    outside(tensor, storage);
  if (elements > 0 && static_cast<uint64_t>(bytes) > storage.nbytes) outside(tensor, storage);
}

void require_coo(const SparseInfo& sparse, const TensorInfo& indices, const TensorInfo& values) {
  if (indices.dtype != Dtype::kInt64 || indices.sizes.size() != 2)
    bad_sparse("COO", sparse, "indices that are not int64 [sparse_dim, nnz]");
  const int64_t sparse_dims = indices.sizes[0];
  const int64_t dims = static_cast<int64_t>(sparse.sizes.size());
  if (sparse_dims > dims || values.sizes.empty() || values.sizes[0] != indices.sizes[1] ||
      static_cast<int64_t>(values.sizes.size()) != 1 + dims - sparse_dims ||
      !std::equal(values.sizes.begin() + 1, values.sizes.end(), sparse.sizes.begin() + sparse_dims))
    bad_sparse("COO", sparse,
               "indices of shape " + format_sizes(indices.sizes) + " and values of shape " +
                   format_sizes(values.sizes));
}

void require_csr(const SparseInfo& sparse, const TensorInfo& compressed, const TensorInfo& plain,
                 const TensorInfo& values) {
  const bool blocked = sparse.layout == "torch.sparse_bsr" || sparse.layout == "torch.sparse_bsc";
  const bool columns = sparse.layout == "torch.sparse_csc" || sparse.layout == "torch.sparse_bsc";
  if (!blocked && !columns && sparse.layout != "torch.sparse_csr")
    bad_sparse("compressed", sparse, "the layout " + sparse.layout);
  const auto index = [](Dtype d) { return d == Dtype::kInt64 || d == Dtype::kInt32; };
  if (!index(compressed.dtype) || compressed.dtype != plain.dtype)
    bad_sparse("compressed", sparse, "indices that are not both int64 or both int32");
  const auto fits = [&] {
    if (compressed.sizes.empty()) return false;
    const size_t batch = compressed.sizes.size() - 1;
    const size_t blocks = blocked ? 2 : 0;
    if (plain.sizes.size() != batch + 1 || sparse.sizes.size() < batch + 2) return false;
    if (!starts_with(values.sizes, plain.sizes)) return false;
    if (values.sizes.size() != sparse.sizes.size() - 1 + blocks) return false;
    for (size_t i = 0; i < batch; ++i)
      if (compressed.sizes[i] != sparse.sizes[i] || plain.sizes[i] != sparse.sizes[i]) return false;
    for (size_t i = 0; i < blocks; ++i) {
      const int64_t block = values.sizes[batch + 1 + i];
      if (block < 1 || sparse.sizes[batch + i] % block != 0) return false;
    }
    const size_t at = columns ? 1 : 0;
    const int64_t block = blocked ? values.sizes[batch + 1 + at] : 1;
    if (compressed.sizes[batch] - 1 != sparse.sizes[batch + at] / block) return false;
    return std::equal(values.sizes.begin() + static_cast<std::ptrdiff_t>(batch + 1 + blocks),
                      values.sizes.end(),
                      sparse.sizes.begin() + static_cast<std::ptrdiff_t>(batch + 2));
  };
  if (!fits())
    bad_sparse("compressed", sparse,
               "compressed indices of shape " + format_sizes(compressed.sizes) +
                   ", plain ones of shape " + format_sizes(plain.sizes) + " and values of shape " +
                   format_sizes(values.sizes));
}

}  // namespace cooper4j
