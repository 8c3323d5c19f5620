#include "cooper4j/penalty.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <sstream>
#include <stdexcept>

namespace cooper4j {

void update_penalty(const at::Tensor& value, const at::Tensor& init, const at::Tensor& violation,
                    const at::Tensor& indices, const PenaltyUpdate& update) {
  c10::NoGradGuard no_grad;
  const bool indexed = indices.defined();
  const at::Tensor observed = indexed ? value.index_select(0, indices) : value;
  at::Tensor measure = violation.detach();
  if (update.inequality) {
    measure = measure.relu();
  }
  measure = value.dim() == 0 ? measure.norm() : measure.abs();
  if (measure.dim() == 0 && observed.dim() == 1) {
    measure = measure.unsqueeze(0);
  }
  if (measure.sizes() != observed.sizes()) {
    std::ostringstream text;
    text << "the violation has shape " << violation.sizes() << ", its penalty coefficient "
         << observed.sizes() << "; give the coefficient one element per violation, or a scalar";
    throw std::invalid_argument(text.str());
  }
  at::Tensor updated = at::where(measure > update.tolerance,
                                 observed * update.factor + update.summand, observed);
  if (update.restart) {
    updated = at::where(measure == 0, indexed && init.dim() > 0 ? init.index_select(0, indices) : init,
                        updated);
  }
  if (indexed) {
    value.index_copy_(0, indices, updated);
  } else {
    value.copy_(updated);
  }
}

}  // namespace cooper4j
