// Sparse gradients whose rows come more than once.
#pragma once

#include <ATen/ATen.h>

namespace cooper4j::optim {

/// The rows that a sparse gradient names, and at each place the sum of all that the gradient has
/// for that row: what is computed of a row's sum may be written at every place, and is the same.
/// Unlike coalesce() this counts no rows, for which a CUDA device would have to be waited for.
struct MergedRows {
  at::Tensor rows;    ///< int64 [m]
  at::Tensor values;  ///< [m, …]

  explicit MergedRows(const at::Tensor& gradient)
      : rows(gradient._indices().select(0, 0)), values(gradient._values()) {
    if (gradient.is_coalesced() || rows.numel() < 2) return;
    at::Tensor order;
    std::tie(rows, order) = rows.sort(/*stable=*/true, /*dim=*/0, /*descending=*/false);
    const at::Tensor next = rows.slice(0, 1).ne(rows.slice(0, 0, -1));
    const at::Tensor group = at::constant_pad_nd(next, {1, 0}).cumsum(0);
    const at::Tensor sums =
        at::zeros_like(values).index_add_(0, group, values.index_select(0, order));
    values = sums.index_select(0, group);
  }
};

}  // namespace cooper4j::optim
