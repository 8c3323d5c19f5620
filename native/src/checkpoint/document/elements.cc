#include "checkpoint/document/elements.h"

#include <algorithm>
#include <string>
#include <vector>

#include "checkpoint/document/extent.h"
#include "cooper4j/checkpoint.h"

namespace cooper4j {
namespace {

constexpr size_t kPiece = size_t{1} << 16;

bool is_contiguous(const TensorInfo& tensor) {
  int64_t expected = 1;
  for (size_t i = tensor.sizes.size(); i-- > 0;) {
    if (tensor.sizes[i] != 1 && tensor.strides[i] != expected) return false;
    expected *= tensor.sizes[i];
  }
  return true;
}

void flip_sign(char* number, uint32_t size) { number[size - 1] ^= '\x80'; }

void negate(char* number, uint32_t size, bool floating) {
  if (floating) return flip_sign(number, size);
  unsigned carry = 1;
  for (uint32_t i = 0; i < size; ++i) {
    carry += static_cast<unsigned char>(~number[i]);
    number[i] = static_cast<char>(carry);
    carry >>= 8;
  }
}

// What torch.resolve_conj and torch.resolve_neg compute.
void resolve(std::string& piece, const TensorInfo& tensor) {
  const uint32_t size = dtype_size(tensor.dtype);
  const bool pair = is_complex(tensor.dtype);
  const uint32_t part = pair ? size / 2 : size;
  for (size_t at = 0; at < piece.size(); at += size) {
    if (tensor.conj) flip_sign(&piece[at + part], part);
    if (!tensor.neg) continue;
    negate(&piece[at], part, is_differentiable(tensor.dtype));
    if (pair) negate(&piece[at + part], part, true);
  }
}

}  // namespace

uint64_t logical_bytes(const TensorInfo& tensor) {
  return static_cast<uint64_t>(require_elements(tensor.sizes)) * dtype_size(tensor.dtype);
}

uint64_t piece_work(const TensorInfo& tensor) {
  const bool plain = is_contiguous(tensor) && !tensor.conj && !tensor.neg;
  return logical_bytes(tensor) +
         (plain ? 0 : static_cast<uint64_t>(require_elements(tensor.sizes)));
}

void charge_pieces(const TensorInfo& tensor, Budget& budget, const std::string& what) {
  budget.write(logical_bytes(tensor), what.c_str());
  budget.work(piece_work(tensor), what.c_str());
}

void for_each_piece(const Document& document, const TensorInfo& tensor,
                    const std::function<void(std::string_view)>& accept) {
  const uint64_t total = logical_bytes(tensor);
  if (total == 0) return;
  const Storage& storage = document.storage(tensor.storage);
  if (!storage.data) throw CheckpointError("a storage has no data yet");
  const size_t size = dtype_size(tensor.dtype);
  const char* base = static_cast<const char*>(storage.data.get()) + tensor.offset * size;
  if (is_contiguous(tensor) && !tensor.conj && !tensor.neg)
    return accept({base, static_cast<size_t>(total)});

  const size_t dims = tensor.sizes.size();
  std::vector<int64_t> at(dims, 0);
  int64_t position = 0;
  std::string piece;
  piece.reserve(kPiece);
  for (uint64_t done = 0; done < total; done += size) {
    piece.append(base + position * static_cast<int64_t>(size), size);
    for (size_t d = dims; d-- > 0;) {
      position += tensor.strides[d];
      if (++at[d] < tensor.sizes[d]) break;
      position -= tensor.sizes[d] * tensor.strides[d];
      at[d] = 0;
    }
    if (piece.size() + size <= kPiece && done + size < total) continue;
    if (tensor.conj || tensor.neg) resolve(piece, tensor);
    accept(piece);
    piece.clear();
  }
}

}  // namespace cooper4j
