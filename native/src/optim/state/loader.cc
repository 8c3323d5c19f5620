#include "optim/state/loader.h"

#include <ATen/Functions.h>

#include <cmath>
#include <sstream>
#include <stdexcept>

#include "checkpoint/document/elements.h"
#include "cooper4j/checkpoint.h"
#include "optim/state/kept.h"

namespace cooper4j::optim {
namespace {

std::string found(const Document& document, Node node) {
  switch (document.kind(node)) {
    case Kind::kTensor: {
      const TensorInfo& info = document.as_tensor(node);
      std::ostringstream text;
      text << dtype_name(info.dtype) << " " << at::IntArrayRef(info.sizes);
      return text.str();
    }
    case Kind::kBool:
      return document.as_bool(node) ? "True" : "False";
    case Kind::kInt:
    case Kind::kBigInt:
      return document.decimal(node);
    case Kind::kFloat: {
      std::ostringstream text;
      text << document.as_double(node);
      return text.str();
    }
    case Kind::kStr:
      return "'" + document.as_string(node) + "'";
    default:
      return kind_name(document.kind(node));
  }
}

}  // namespace

void refuse_node(const std::string& path, const std::string& expected, const Document& document,
                 Node node) {
  throw std::invalid_argument(path + ": expected " + expected + ", found " +
                              (node == kNoNode ? "nothing" : found(document, node)));
}

Budget copying_budget(const Document& document) {
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < document.storage_count(); ++i) bytes += document.storage(i).nbytes;
  return Budget(bytes, kDefaultLimit);
}

StateLoader::StateLoader(Document& document, Node dict, std::string path, bool maximize,
                         Budget& budget, at::Tensor param, int64_t numel)
    : document_(document),
      dict_(dict),
      path_(std::move(path)),
      maximize_(maximize),
      budget_(budget),
      param_(std::move(param)),
      numel_(numel) {
  if (!document_.is_dict(dict_)) refuse_node(path_, "a dict", document_, dict_);
}

Node StateLoader::find(const char* key) const {
  const Node node = document_.find(dict_, key);
  return node != kNoNode && document_.kind(node) == Kind::kNone ? kNoNode : node;
}

Node StateLoader::required(const char* key) const {
  const Node node = document_.find(dict_, key);
  if (node == kNoNode) refuse_node(path(key), "a value", document_, node);
  return node;
}

double StateLoader::as_real(Node node, const std::string& path) const {
  const auto number = number_of(document_, node);
  if (!number) refuse_node(path, "a number", document_, node);
  return *number;
}

// Python loads any number: a negative rate ascends.
void StateLoader::real(const char* key, double& value, Zero) {
  const Node node = required(key);
  const double number = as_real(node, path(key));
  if (std::isnan(number)) refuse_node(path(key), "a number, not NaN", document_, node);
  value = number;
}

void StateLoader::optional_real(const char* key, double& value) {
  const Node node = find(key);
  if (node != kNoNode) value = as_real(node, path(key));
}

void StateLoader::integer(const char* key, int64_t& value) {
  const Node node = required(key);
  if (document_.kind(node) != Kind::kInt) refuse_node(path(key), "an int", document_, node);
  value = document_.as_int(node);
}

void StateLoader::optional_integer(const char* key, std::optional<int64_t>& value) {
  value.reset();
  if (find(key) != kNoNode) integer(key, value.emplace());
}

void StateLoader::optional_text(const char* key, std::optional<std::string>& value) {
  value.reset();
  const Node node = find(key);
  if (node == kNoNode) return;
  if (document_.kind(node) != Kind::kStr) refuse_node(path(key), "a str or None", document_, node);
  value = document_.as_string(node);
}

void StateLoader::count(const char* key, int64_t& value) {
  const Node node = required(key);
  const double number = as_real(node, path(key));
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (!(number >= 0 && number <= kExact) || number != std::floor(number)) {
    refuse_node(path(key), "a count", document_, node);
  }
  value = static_cast<int64_t>(number);
}

void StateLoader::flag(const char* key, bool& value) {
  value = false;
  const Node node = find(key);
  if (node == kNoNode) return;
  const Kind kind = document_.kind(node);
  if (kind != Kind::kBool && kind != Kind::kInt) {
    refuse_node(path(key), "a bool", document_, node);
  }
  value = kind == Kind::kBool ? document_.as_bool(node) : document_.as_int(node) != 0;
}

void StateLoader::betas(const char* key, std::tuple<double, double>& value) {
  const Node node = required(key);
  const Kind kind = document_.kind(node);
  if ((kind != Kind::kTuple && kind != Kind::kList) || document_.size(node) != 2) {
    refuse_node(path(key), "a tuple of two numbers", document_, node);
  }
  double beta[2];
  for (size_t i = 0; i < 2; ++i) {
    const std::string here = path(key) + "." + std::to_string(i);
    beta[i] = as_real(document_.item(node, i), here);
  }
  value = {beta[0], beta[1]};
}

void StateLoader::fixed(const char* key, bool value) {
  bool stored = value;
  if (find(key) != kNoNode) flag(key, stored);
  if (stored != value) {
    refuse_node(path(key), value ? "True (an AdamW state)" : "False (an Adam state)", document_,
                find(key));
  }
}

void StateLoader::extra_real(const char* key, double& value) {
  value = 0;
  if (find(key) == kNoNode) return;
  real(key, value);
  if (value >= 0 && std::isfinite(value)) return;
  refuse_node(path(key), "a finite number of at least 0", document_, find(key));
}

void StateLoader::extra_flag(const char* key, bool& value) {
  value = false;
  if (find(key) != kNoNode) flag(key, value);
}

void StateLoader::maximize() {
  bool stored = false;
  flag("maximize", stored);
  if (stored == maximize_) return;
  refuse_node(path("maximize"),
              maximize_ ? "True, as a dual optimizer's state has it"
                        : "False, as a primal optimizer's state has it",
              document_, find("maximize"));
}

void StateLoader::gain(const char* key, at::Tensor& value) {
  const Node node = required(key);
  if (document_.kind(node) != Kind::kTensor) {
    value = at::scalar_tensor(as_real(node, path(key)), at::kFloat);
    return;
  }
  // Its options clone it before its shape is known to be a parameter's.
  budget_.hold(logical_bytes(document_.as_tensor(node)), "copying gains");
  value = to_tensor(document_, node);
  if (value.numel() == 0 || value.is_complex()) {
    refuse_node(path(key), "a gain", document_, node);
  }
}

void StateLoader::init_type(const char* key, NuPIInitType& value) {
  Node node = required(key);
  if (document_.kind(node) == Kind::kEnum && document_.as_string(node) == kNuPIInitTypeClass) {
    node = document_.enum_value(node);
  }
  if (document_.kind(node) != Kind::kInt || document_.as_int(node) < 0 ||
      document_.as_int(node) > 1) {
    refuse_node(path(key), "nuPIInitType 0 or 1", document_, node);
  }
  value = static_cast<NuPIInitType>(document_.as_int(node));
}

}  // namespace cooper4j::optim
