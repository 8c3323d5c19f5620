#include "optim/optimizers/nupi_gains.h"

#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "optim/arguments.h"

namespace cooper4j {
namespace {

at::Tensor owned(const at::Tensor& gain, const char* name) {
  if (!gain.defined() || gain.layout() != at::kStrided || gain.numel() == 0) {
    throw std::invalid_argument(
        std::string("NuPI: ") + name +
        " must be a dense tensor with one element or the parameter's shape");
  }
  // A copy: what follows from it is cached, so it must not change under us.
  return gain.detach().clone();
}

void check_gain(const at::Tensor& gain, const char* name, const std::vector<at::Tensor>& params) {
  if (gain.numel() == 1) return;
  for (const auto& param : params) {
    if (gain.sizes() == param.sizes()) continue;
    std::ostringstream message;
    message << "NuPI: " << name << " has shape " << gain.sizes()
            << ", but a parameter of its group " << param.sizes()
            << "; give it one element, or each parameter a group of its own";
    throw std::invalid_argument(message.str());
  }
}

}  // namespace

Gain::Gain(const at::Tensor& value) : any(value.ne(0).any().item<bool>()) {
  if (value.numel() == 1) {
    number = value.item<double>();
  } else {
    tensor = value;
  }
}

at::Tensor Gain::times(const at::Tensor& t) const {
  return tensor.defined() ? t.mul(tensor) : t.mul(number);
}

Gain Gain::rows(const at::Tensor& rows) const {
  Gain gain(*this);
  if (tensor.defined()) gain.tensor = tensor.index_select(0, rows);
  return gain;
}

bool NuPIGains::lie_on(const at::Device& device) const {
  const auto lies_there = [&device](const Gain& gain) {
    return !gain.tensor.defined() || gain.tensor.device() == device;
  };
  return lies_there(Kp) && lies_there(Ki);
}

NuPIGains::NuPIGains(const at::Tensor& Kp, const at::Tensor& Ki, double ema_nu)
    : Kp(Kp),
      Ki(Ki),
      previous(Kp.mul(1 - ema_nu)),
      error(Ki.add(Kp.mul(1 - ema_nu).to(Ki.device()))) {}

NuPIOptions::NuPIOptions(double lr)
    : lr_(lr), Kp_(at::scalar_tensor(0.0, at::kFloat)), Ki_(at::scalar_tensor(1.0, at::kFloat)) {}

NuPIOptions& NuPIOptions::Kp(const at::Tensor& gain) {
  Kp_ = owned(gain, "Kp");
  Kp_number_.reset();
  gains_.reset();
  return *this;
}

NuPIOptions& NuPIOptions::Ki(const at::Tensor& gain) {
  Ki_ = owned(gain, "Ki");
  Ki_number_.reset();
  gains_.reset();
  return *this;
}

NuPIOptions& NuPIOptions::Kp(double gain) {
  Kp(at::scalar_tensor(gain, double_gains_ ? at::kDouble : at::kFloat));
  Kp_number_ = gain;
  return *this;
}

NuPIOptions& NuPIOptions::Ki(double gain) {
  Ki(at::scalar_tensor(gain, double_gains_ ? at::kDouble : at::kFloat));
  Ki_number_ = gain;
  return *this;
}

NuPIOptions& NuPIOptions::double_gains() {
  double_gains_ = true;
  if (Kp_number_) Kp(*Kp_number_);
  if (Ki_number_) Ki(*Ki_number_);
  return *this;
}

NuPIOptions& NuPIOptions::ema_nu(double nu) {
  ema_nu_ = nu;
  gains_.reset();
  return *this;
}

const NuPIGains& NuPIOptions::gains() const {
  if (!gains_) {
    at::NoGradGuard no_grad;
    gains_ = std::make_shared<const NuPIGains>(Kp_, Ki_, ema_nu_);
  }
  return *gains_;
}

const NuPIGains& NuPIOptions::gains(const at::Device& device) const {
  if (!gains().lie_on(device)) {
    // Once: a copy at every step would wait for a CUDA device.
    gains_ = std::make_shared<const NuPIGains>(Kp_.to(device), Ki_.to(device), ema_nu_);
  }
  return *gains_;
}

void check_gains(const NuPIOptions& options, const std::vector<at::Tensor>& params) {
  check_gain(options.Kp(), "Kp", params);
  check_gain(options.Ki(), "Ki", params);
}

void check_nupi(const NuPIOptions& options, const std::vector<at::Tensor>& params) {
  optim::check_not_negative("NuPI", "lr", options.lr());
  optim::check_not_negative("NuPI", "weight_decay", options.weight_decay());
  if (!(options.ema_nu() > -1 && options.ema_nu() < 1)) {
    optim::refuse("NuPI", "ema_nu", "in (-1, 1)", options.ema_nu());
  }
  if (!(options.Kd() >= 0) || std::isinf(options.Kd())) {
    optim::refuse("NuPI", "Kd", "finite and at least 0", options.Kd());
  }
  if (options.use_bias_correction() && options.ema_nu() < 0) {
    optim::refuse("NuPI", "ema_nu", "at least 0 with bias correction", options.ema_nu());
  }
  if (options.init_type() < NuPIInitType::kZeros || options.init_type() > NuPIInitType::kError) {
    optim::refuse("NuPI", "init_type", "0 (zeros), 1 (SGD) or 2 (error)",
                  static_cast<double>(options.init_type()));
  }
  check_gains(options, params);
}

}  // namespace cooper4j
