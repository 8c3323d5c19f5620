#include "distributed/agreement.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/util/Type.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <sstream>
#include <stdexcept>

#include "cooper4j/optim/state_dict.h"

namespace cooper4j::distributed {
namespace {

/// What a roll looks at, of the variables and of what belongs to constraints: microseconds.
constexpr size_t kPart = size_t{128} << 10U;

size_t size_of(const at::Tensor& tensor) {
  const bool dense = tensor.defined() && tensor.layout() == at::kStrided && !tensor.is_meta();
  return dense ? tensor.nbytes() : 0;
}

/// Of some elements, where they lie one after the other.
uint64_t checksum_of(const at::Tensor& tensor, int64_t from, int64_t n, uint64_t before) {
  const size_t size = tensor.element_size();
  if (tensor.is_cpu() && tensor.is_contiguous()) {
    const auto* bytes = static_cast<const char*>(tensor.const_data_ptr());
    return checksum(bytes + from * static_cast<int64_t>(size), n * size, before);
  }
  const at::Tensor some = tensor.detach().reshape({-1}).narrow(0, from, n).cpu().contiguous();
  return checksum(some.const_data_ptr(), n * size, before);
}

/// That is read as the same number again, and no longer than that needs.
std::string text_of(double number) {
  std::array<char, 32> text{};
  for (const int digits : {15, std::numeric_limits<double>::max_digits10}) {
    std::snprintf(text.data(), text.size(), "%.*g", digits, number);
    if (std::strtod(text.data(), nullptr) == number) break;
  }
  return text.data();
}

std::string text_of(const Document& document, Node node) {
  std::ostringstream text;
  switch (document.kind(node)) {
    case Kind::kBool:
      text << (document.as_bool(node) ? "true" : "false");
      break;
    case Kind::kInt:
    case Kind::kFloat:
      text << text_of(document.as_double(node));
      break;
    case Kind::kTuple:
    case Kind::kList:
      for (size_t i = 0; i < document.size(node); ++i) {
        text << (i > 0 ? ", " : "") << text_of(document, document.item(node, i));
      }
      break;
    default:
      text << kind_name(document.kind(node));
  }
  return text.str();
}

/// 0 of an optimizer that does not tell.
double rate_of(const torch::optim::OptimizerParamGroup& group) {
  try {
    return group.options().get_lr();
  } catch (const c10::Error&) {
    return 0;
  }
}

/// A line an option.
void describe(std::ostringstream& text, const torch::optim::Optimizer& optimizer,
              const std::string& name) {
  Document document;
  try {
    const Node groups = document.at(state_dict(document, optimizer, false), "param_groups");
    for (size_t g = 0; g < document.size(groups); ++g) {
      const Node group = document.item(groups, g);
      for (size_t i = 0; i < document.size(group); ++i) {
        text << document.as_string(document.key(group, i)) << " = "
             << text_of(document, document.value(group, i)) << " in group " << g << " of " << name
             << '\n';
      }
    }
  } catch (const std::invalid_argument&) {  // of a class whose options are not known
    for (const auto& group : optimizer.param_groups()) {
      text << "lr = " << text_of(rate_of(group)) << " in " << name << '\n';
    }
  }
}

}  // namespace

std::string text_of(const at::Tensor& tensor) {
  std::ostringstream text;
  const int64_t n = tensor.defined() ? tensor.numel() : 0;
  if (size_of(tensor) == 0) {
    text << "nothing";
  } else if (n <= 4 && at::isFloatingType(tensor.scalar_type())) {
    const at::Tensor values = tensor.detach().reshape({-1}).to(at::kCPU, at::kDouble);
    for (int64_t i = 0; i < n; ++i)
      text << (i > 0 ? ", " : "") << text_of(values[i].item<double>());
  } else {
    text << c10::str(tensor.scalar_type(), tensor.sizes()) << " of checksum " << std::hex
         << checksum_of(tensor, 0, n, 0);
  }
  return text.str();
}

Agreement::Agreement(Optimizers primal, Optimizers dual, std::vector<Named> of_constraints)
    : primal_(std::move(primal)), dual_(std::move(dual)), named_(std::move(of_constraints)) {
  // What dual optimizers move in the multipliers' place.
  for (const auto& parameter : parameters(dual_)) {
    const bool known = std::any_of(named_.begin(), named_.end(), [&](const Named& named) {
      return named.second.is_same(parameter);
    });
    if (!known) named_.emplace_back("the variable of a dual optimizer", parameter);
  }
}

uint64_t Agreement::Part::next(const std::vector<at::Tensor>& tensors) {
  uint64_t sum = at;
  size_t start = 0;  // of a tensor, among all bytes
  size_t left = kPart;
  for (const auto& tensor : tensors) {
    const size_t size = size_of(tensor);
    if (size > 0 && at < start + size && left > 0) {
      const size_t element = tensor.element_size();
      const size_t from = (at - start) / element;
      const size_t n = std::min(size / element - from, std::max<size_t>(left / element, 1));
      sum = checksum_of(tensor, static_cast<int64_t>(from), static_cast<int64_t>(n), sum);
      left -= std::min(left, n * element);
      at += n * element;
    }
    start += size;
  }
  if (at >= start) at = 0;
  return sum;
}

std::vector<at::Tensor> Agreement::of_constraints() const {
  std::vector<at::Tensor> tensors;
  tensors.reserve(named_.size());
  for (const auto& [name, tensor] : named_) tensors.push_back(tensor);
  return tensors;
}

void Agreement::write(double* slots) {
  const c10::NoGradGuard no_grad;
  std::vector<double> rates;
  for (const auto* side : {&primal_, &dual_}) {
    for (const auto* optimizer : *side) {
      for (const auto& group : optimizer->param_groups()) rates.push_back(rate_of(group));
    }
  }
  write_alike(checksum(rates.data(), rates.size() * sizeof(double), 0), slots);
  write_alike(parts_[0].next(of_constraints()), slots + kAlikeSlots);
  write_alike(parts_[1].next(parameters(primal_)), slots + 2 * kAlikeSlots);
}

void Agreement::check(Group& group, const double* sums) const {
  for (int64_t i = 0; i < kSlots; i += kAlikeSlots) {
    if (!are_alike(sums + i, group.size())) group.end_apart(kApart, description());
  }
}

/// What one would change first, since all else follows from it.
std::string Agreement::description() const {
  std::ostringstream text;
  for (const auto* side : {&primal_, &dual_}) {
    for (size_t i = 0; i < side->size(); ++i) {
      const std::string kind = side == &primal_ ? "primal" : "dual";
      describe(text, *(*side)[i], kind + " optimizer " + std::to_string(i));
    }
  }
  for (const auto& [name, tensor] : named_) text << name << " = " << text_of(tensor) << '\n';
  size_t i = 0;
  for (const auto& parameter : parameters(primal_)) {
    text << "primal variable " << i++ << " = " << text_of(parameter) << '\n';
  }
  return text.str();
}

}  // namespace cooper4j::distributed
