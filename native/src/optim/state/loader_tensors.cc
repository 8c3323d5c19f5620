#include <ATen/Functions.h>

#include <cctype>
#include <sstream>
#include <stdexcept>

#include "cooper4j/checkpoint.h"
#include "optim/state/loader.h"

namespace cooper4j::optim {
namespace {

/// "float32 [10, 784]"
std::string described(at::ScalarType type, at::IntArrayRef sizes) {
  std::ostringstream text;
  switch (type) {
    case at::kFloat:
      text << "float32";
      break;
    case at::kDouble:
      text << "float64";
      break;
    case at::kHalf:
      text << "float16";
      break;
    default:
      for (const char c : std::string(c10::toString(type))) text << char(std::tolower(c));
  }
  text << " " << sizes;
  return text.str();
}

bool is_floating(Dtype dtype) {
  return dtype == Dtype::kFloat64 || dtype == Dtype::kFloat32 || dtype == Dtype::kFloat16 ||
         dtype == Dtype::kBFloat16;
}

}  // namespace

at::Tensor StateLoader::floating(Node node, const std::string& path, at::IntArrayRef sizes) const {
  if (document_.kind(node) != Kind::kTensor || !is_floating(document_.as_tensor(node).dtype) ||
      at::IntArrayRef(document_.as_tensor(node).sizes) != sizes) {
    refuse_node(path, described(param_.scalar_type(), sizes), document_, node);
  }
  // A copy, which later steps may write, with the parameter's strides, which fused kernels need.
  const at::Tensor loaded = to_tensor(document_, node).detach();
  at::Tensor copy =
      sizes == param_.sizes() ? at::empty_like(param_) : at::empty(sizes, param_.options());
  copy = copy.detach();
  copy.copy_(loaded);
  // Infinity is what a large gradient leaves, and a run may go on with; NaN would be the
  // variables'.
  if (!copy.is_meta() && copy.isnan().any().item<bool>()) {
    throw std::invalid_argument(path +
                                ": expected no NaN, which the next step would put into the "
                                "parameter; load the state of an earlier epoch");
  }
  return copy;
}

// One of as many as a list names.
at::Tensor StateLoader::counted(Node node, const std::string& path, at::IntArrayRef sizes) const {
  constexpr uint64_t kTensor = 512;  // bytes beside the elements
  const auto elements = static_cast<uint64_t>(c10::multiply_integers(sizes));
  budget_.hold(kTensor + elements * param_.element_size(), "copying a history");
  return floating(node, path, sizes);
}

void StateLoader::tensor(const char* key, at::Tensor& value, Need need) {
  const Node node = need == Need::kRequired ? required(key) : find(key);
  value = node == kNoNode ? at::Tensor() : floating(node, path(key), param_.sizes());
}

void StateLoader::squares(const char* key, at::Tensor& value, Need need) {
  tensor(key, value, need);
  if (value.defined() && !value.is_meta() && value.lt(0).any().item<bool>()) {
    throw std::invalid_argument(path(key) +
                                ": expected averages of squares, found a negative one, whose root "
                                "would be NaN");
  }
}

void StateLoader::odd_tensor(const char* key, at::Tensor& value) {
  tensor(key, value, Need::kOptional);
  if (maximize_ && value.defined()) value = at::rsub(value, 0);
}

void StateLoader::mask(const char* key, at::Tensor& value) {
  value = at::Tensor();
  const Node node = find(key);
  if (node == kNoNode) return;
  // Python's load_state_dict once cast it to the parameter's type, so a number may stand here.
  if (document_.kind(node) != Kind::kTensor ||
      at::IntArrayRef(document_.as_tensor(node).sizes) != param_.sizes()) {
    refuse_node(path(key), described(at::kBool, param_.sizes()), document_, node);
  }
  value = at::empty_like(param_, param_.options().dtype(at::kBool).requires_grad(false));
  value.copy_(to_tensor(document_, node).detach().ne(0));
}

void StateLoader::flat(const char* key, at::Tensor& value) {
  const Node node = find(key);
  value = node == kNoNode ? at::Tensor() : floating(node, path(key), {numel_});
}

void StateLoader::scalar(const char* key, at::Tensor& value) {
  const Node node = find(key);
  if (node != kNoNode && document_.kind(node) == Kind::kInt) {
    value = at::scalar_tensor(document_.as_int(node), param_.options().requires_grad(false));
  } else {
    value = node == kNoNode ? at::Tensor() : floating(node, path(key), {});
  }
}

std::vector<Node> StateLoader::items(const char* key) const {
  std::vector<Node> nodes;
  const Node node = find(key);
  if (node == kNoNode) return nodes;
  if (document_.kind(node) != Kind::kList) refuse_node(path(key), "a list", document_, node);
  for (size_t i = 0; i < document_.size(node); ++i) nodes.push_back(document_.item(node, i));
  return nodes;
}

void StateLoader::flats(const char* key, std::deque<at::Tensor>& values) {
  values.clear();
  for (const Node node : items(key)) {
    values.push_back(counted(node, path(key) + "." + std::to_string(values.size()), {numel_}));
  }
}

void StateLoader::scalars(const char* key, std::deque<at::Tensor>& values) {
  values.clear();
  for (const Node node : items(key)) {
    values.push_back(counted(node, path(key) + "." + std::to_string(values.size()), {}));
  }
}

void StateLoader::optional_scalars(const char* key,
                                   std::optional<std::vector<at::Tensor>>& values) {
  values.reset();
  if (find(key) == kNoNode) return;
  auto& loaded = values.emplace();
  for (const Node node : items(key)) {
    const std::string here = path(key) + "." + std::to_string(loaded.size());
    loaded.push_back(document_.kind(node) == Kind::kNone ? at::Tensor() : counted(node, here, {}));
  }
}

}  // namespace cooper4j::optim
