#include "cooper4j/state_dict.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cooper4j/checkpoint.h"

namespace cooper4j {
namespace {

using Named = std::vector<std::pair<std::string, at::Tensor>>;

/// Python's order: a module's parameters, its buffers, its children.
void collect(const torch::nn::Module& module, const std::string& prefix, Named* found) {
  for (const auto& entry : module.named_parameters(/*recurse=*/false)) {
    found->emplace_back(prefix + entry.key(), entry.value());
  }
  for (const auto& entry : module.named_buffers(/*recurse=*/false)) {
    found->emplace_back(prefix + entry.key(), entry.value());
  }
  for (const auto& child : module.named_children()) {
    collect(*child.value(), prefix + child.key() + ".", found);
  }
}

std::string describe(const at::Tensor& tensor) {
  return std::string(c10::toString(tensor.scalar_type())) + " " + c10::str(tensor.sizes());
}

at::Tensor value_for(const std::string& name, const at::Tensor& target, Document& document,
                     Node state) {
  const Node node = document.find(state, name);
  if (node == kNoNode || document.kind(node) != Kind::kTensor) {
    throw std::invalid_argument(
        name + ": expected " + describe(target) + ", found " +
        (node == kNoNode ? "nothing" : std::string("a ") + kind_name(document.kind(node))));
  }
  at::Tensor value = to_tensor(document, node);
  if (value.sizes() != target.sizes()) {
    throw std::invalid_argument(name + ": expected " + describe(target) + ", found " +
                                describe(value));
  }
  return value;
}

void refuse_unknown(const Named& targets, const Document& document, Node state) {
  for (size_t i = 0; i < document.size(state); ++i) {
    const Node key = document.key(state, i);
    const std::string name = document.kind(key) == Kind::kStr ? document.as_string(key) : "";
    bool known = false;
    for (const auto& target : targets) known = known || target.first == name;
    if (known) continue;
    std::string expected;
    for (const auto& target : targets) expected += (expected.empty() ? "" : ", ") + target.first;
    throw std::invalid_argument(name + ": unknown key; expected " + expected);
  }
}

}  // namespace

Node state_dict(Document& document, const torch::nn::Module& module) {
  Named tensors;
  collect(module, "", &tensors);
  const Node state = document.ordered_dict();
  for (const auto& [name, tensor] : tensors) {
    document.put(state, name, add_tensor(document, tensor.detach()));
  }
  return state;
}

void load_state_dict(torch::nn::Module& module, Document& document, Node state, bool dry) {
  if (!document.is_dict(state)) {
    throw std::invalid_argument(std::string("expected a dict of tensors, found a ") +
                                kind_name(document.kind(state)));
  }
  Named targets;
  collect(module, "", &targets);
  std::vector<at::Tensor> values;
  values.reserve(targets.size());
  for (const auto& [name, target] : targets) {
    values.push_back(value_for(name, target, document, state));
  }
  if (targets.size() != document.size(state)) refuse_unknown(targets, document, state);
  if (dry) return;
  c10::NoGradGuard no_grad;
  for (size_t i = 0; i < targets.size(); ++i) targets[i].second.copy_(values[i]);
}

}  // namespace cooper4j
