// Values of tensors as plain numbers, for logs and decisions.
//
// Errors: c10::Error from LibTorch, such as for a meta tensor.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cooper4j/export.h"

namespace cooper4j {

/// The numbers of one roll, by the names of the constraints that were observed; free of tensors. A
/// constraint is missing where it has no such thing.
struct RollValues {
  using Named = std::map<std::string, std::vector<double>>;

  std::optional<double> loss;          ///< none of a state of violations alone
  Named violations;                    ///< positive where an inequality fails
  Named strict_violations;             ///< of the constraints that gave one
  Named multipliers;                   ///< as they weighed the violations, one each
  Named penalty_coefficients;          ///< one a violation, or one for all
  std::map<std::string, double> misc;  ///< the state's tensors of one real element
};

/// Writes the elements of all tensors to `out`, one tensor after another in row-major order. They
/// are dense and real, of any dtype and device. One copy, and one wait, for each device but the
/// CPU.
COOPER4J_EXPORT void read_values(const std::vector<at::Tensor>& tensors, double* out);

}  // namespace cooper4j
