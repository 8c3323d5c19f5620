// The gains of nuPI and what follows from them.
#pragma once

#include "cooper4j/optim/nupi.h"

namespace cooper4j {

/// A gain as a number where it has one element, else as a tensor.
struct Gain {
  explicit Gain(const at::Tensor& value);

  at::Tensor times(const at::Tensor& t) const;
  /// The gain of a table's rows.
  Gain rows(const at::Tensor& rows) const;

  at::Tensor tensor;  // undefined for a number
  double number = 0;
  bool any = false;  // some element is not 0
};

struct NuPIGains {
  NuPIGains(const at::Tensor& Kp, const at::Tensor& Ki, double ema_nu);

  /// Whether those that are tensors are there.
  bool lie_on(const at::Device& device) const;

  bool scalar() const { return !Kp.tensor.defined() && !Ki.tensor.defined(); }

  Gain Kp;
  Gain Ki;
  Gain previous;  // Kp (1 − ν), the weight of ξ_{t−1}
  Gain error;     // Ki + Kp (1 − ν), the weight of e_t
};

/// Throws std::invalid_argument unless the gains' shapes fit the parameters.
void check_gains(const NuPIOptions& options, const std::vector<at::Tensor>& params);

/// Throws std::invalid_argument unless the options and the gains' shapes fit the parameters.
void check_nupi(const NuPIOptions& options, const std::vector<at::Tensor>& params);

}  // namespace cooper4j
