#include "cooper4j/optim/snapshot.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "cooper4j/optim/step.h"

namespace cooper4j {

Snapshot::Snapshot(const torch::optim::Optimizer& optimizer) {
  at::NoGradGuard no_grad;
  const bool rows_only = moves_gradient_rows_only(optimizer);
  for (const auto& group : optimizer.param_groups()) {
    for (const auto& param : group.params()) {
      const at::Tensor& gradient = param.grad();
      if (!gradient.defined()) continue;
      if (rows_only && gradient.is_sparse() && gradient.sparse_dim() == 1) {
        const at::Tensor rows = gradient._indices().select(0, 0);
        saved_.push_back({param, rows, param.index_select(0, rows)});
      } else {
        saved_.push_back({param, {}, param.clone()});
      }
    }
  }
}

void Snapshot::restore() const {
  at::NoGradGuard no_grad;
  for (const Saved& saved : saved_) {
    const at::Tensor& param = saved.param;
    if (saved.rows.defined()) {
      param.index_copy_(0, saved.rows, saved.values);
    } else {
      param.copy_(saved.values);
    }
  }
}

}  // namespace cooper4j
