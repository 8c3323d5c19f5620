#include "cooper4j/state_dict.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "checkpoint/document/hash.h"
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

std::string join(const std::vector<std::string>& names) {
  constexpr size_t kNamed = 20;
  std::string text;
  for (size_t i = 0; i < names.size() && i < kNamed; ++i) text += (i > 0 ? ", " : "") + names[i];
  return text + (names.size() > kNamed ? ", … (" + std::to_string(names.size()) + ")" : "");
}

bool starts_with(const std::string& text, const std::string& start) {
  return text.compare(0, start.size(), start) == 0;
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() > end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// What stands before all missing names in the unexpected ones; "" if there is no such thing.
std::string prefix_of(const std::vector<std::string>& missing,
                      const std::vector<std::string>& unexpected) {
  const std::unordered_set<std::string, SeededHash> there(unexpected.begin(), unexpected.end());
  for (const std::string& name : unexpected) {
    if (missing.empty() || !ends_with(name, missing.front())) continue;
    const std::string prefix = name.substr(0, name.size() - missing.front().size());
    if (std::all_of(missing.begin(), missing.end(),
                    [&](const std::string& key) { return there.count(prefix + key) > 0; })) {
      return prefix;
    }
  }
  return "";
}

/// As PyTorch tells: all that is missing and all that is not expected.
void check_names(const Named& targets, const Document& document, Node state) {
  std::vector<std::string> expected, missing, unexpected;
  std::unordered_set<std::string> known;
  for (const auto& [name, target] : targets) {
    expected.push_back(name);
    known.insert(name);
    if (document.find(state, name) == kNoNode) missing.push_back(name);
  }
  for (size_t i = 0; i < document.size(state); ++i) {
    const Node key = document.key(state, i);
    const bool text = document.kind(key) == Kind::kStr;
    if (!text || known.count(document.as_string(key)) == 0) {
      unexpected.push_back(text ? document.as_string(key) : kind_name(document.kind(key)));
    }
  }
  if (missing.empty() && unexpected.empty()) return;
  std::string message = missing.empty() ? "" : "missing keys: " + join(missing) + "; ";
  if (!unexpected.empty()) message += "unexpected keys: " + join(unexpected) + "; ";
  message += "expected: " + join(expected);
  const std::string prefix = prefix_of(missing, unexpected);
  if (!prefix.empty()) {
    message += ". They are there behind the prefix '" + prefix + "': without_prefix takes it off";
  }
  throw std::invalid_argument(message);
}

at::Tensor value_for(const std::string& name, const at::Tensor& target, Document& document,
                     Node state) {
  const Node node = document.find(state, name);
  if (document.kind(node) != Kind::kTensor) {
    throw std::invalid_argument(name + ": expected " + describe(target) + ", found a " +
                                kind_name(document.kind(node)));
  }
  const TensorInfo& info = document.as_tensor(node);
  if (at::IntArrayRef(info.sizes) != target.sizes()) {
    throw std::invalid_argument(name + ": expected " + describe(target) + ", found " +
                                dtype_name(info.dtype) + " " +
                                c10::str(at::IntArrayRef(info.sizes)));
  }
  return to_tensor(document, node);
}

}  // namespace

Node without_prefix(Document& document, Node state, const std::string& prefix) {
  const Node stripped = document.ordered_dict();
  for (size_t i = 0; i < document.size(state); ++i) {
    const Node key = document.key(state, i);
    const std::string name = document.kind(key) == Kind::kStr ? document.as_string(key) : "";
    const bool carries = !prefix.empty() && starts_with(name, prefix);
    const Node shorter = carries ? document.str(name.substr(prefix.size())) : key;
    document.put(stripped, shorter, document.value(state, i));
  }
  return stripped;
}

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
  check_names(targets, document, state);
  std::vector<at::Tensor> values;
  values.reserve(targets.size());
  for (const auto& [name, target] : targets) {
    values.push_back(value_for(name, target, document, state));
  }
  if (dry) return;
  c10::NoGradGuard no_grad;
  for (size_t i = 0; i < targets.size(); ++i) targets[i].second.copy_(values[i]);
}

}  // namespace cooper4j
