#include "document.h"

#include <cstring>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "checkpoint/document/budget.h"
#include "cooper4j/optim.h"
#include "cooper4j/safetensors.h"

namespace cooper4j::jni {
namespace {

/// JNI's empty arrays may come as null.
std::string_view view(const char* text, int64_t n) {
  return n == 0 ? std::string_view() : std::string_view(text, n);
}

}  // namespace

LoadOptions Document::load_options(std::string_view device, bool opaque) const {
  LoadOptions options;
  options.limit = limit_;
  if (!device.empty()) {
    options.map_location = std::string(device);
  }
  options.opaque = opaque;
  return options;
}

void Document::load(const char* path, int64_t n, const char* device, int64_t m, bool opaque) {
  document_ =
      cooper4j::load(std::filesystem::u8path(view(path, n)), load_options(view(device, m), opaque));
}

void Document::feed(const char* bytes, int64_t n) { bytes_ += view(bytes, n); }

void Document::load_fed(const char* device, int64_t m, bool opaque) {
  const std::string bytes = std::move(bytes_);
  document_ = cooper4j::load_bytes(bytes, load_options(view(device, m), opaque));
}

void Document::save_bytes(int root) {
  bytes_ = cooper4j::save_bytes(document_, root);
  drained_ = 0;
}

int64_t Document::drain(char* bytes, int64_t n) {
  const size_t count = bytes_.copy(bytes, static_cast<size_t>(n), drained_);
  drained_ += count;
  return static_cast<int64_t>(count);
}

void Document::save(const char* path, int64_t n, int root) const {
  cooper4j::save(std::filesystem::u8path(view(path, n)), document_, root);
}

void Document::load_safetensors(const char* path, int64_t n, const char* device, int64_t m) {
  document_ = cooper4j::load_safetensors(std::filesystem::u8path(view(path, n)),
                                         load_options(view(device, m), false));
}

void Document::save_safetensors(const char* path, int64_t n, int root) const {
  cooper4j::save_safetensors(std::filesystem::u8path(view(path, n)), document_, root);
}

void Document::load_fed_safetensors(const char* device, int64_t m) {
  const std::string bytes = std::move(bytes_);
  document_ = cooper4j::load_safetensors_bytes(bytes, load_options(view(device, m), false));
}

void Document::save_safetensors_bytes(int root) {
  std::ostringstream out;
  cooper4j::save_safetensors(out, document_, root);
  bytes_ = out.str();
  drained_ = 0;
}

void Document::work(int64_t steps) const {
  document_.budget().work(static_cast<uint64_t>(steps), "making its objects");
}

void Document::hold(int64_t bytes) const {
  document_.budget().hold(static_cast<uint64_t>(bytes), "holding its objects");
}

template <typename Visit>
void Document::visit_children(Node node, Visit visit) const {
  const Kind kind = document_.kind(node);
  const bool dict = document_.is_dict(node);
  if (dict || kind == Kind::kList || kind == Kind::kTuple || kind == Kind::kSet ||
      kind == Kind::kSize) {
    for (size_t i = 0; i < document_.size(node); ++i) {
      if (dict) {
        visit(document_.key(node, i));
      }
      visit(dict ? document_.value(node, i) : document_.item(node, i));
    }
  }
  if (kind == Kind::kEnum) {
    visit(document_.enum_value(node));
  }
  if (kind == Kind::kOrderedDict || kind == Kind::kTensor) {
    const Node attrs = document_.attrs(node);
    if (attrs != kNoNode) {
      visit(attrs);
    }
  }
}

int64_t Document::child_count() const {
  int64_t count = 0;
  for (Node node = 0; node < document_.node_count(); ++node) {
    visit_children(node, [&](Node) { ++count; });
  }
  return count;
}

void Document::children(int* starts, int* children) const {
  int count = 0;
  for (Node node = 0; node < document_.node_count(); ++node) {
    starts[node] = count;
    visit_children(node, [&](Node child) { children[count++] = as_int32(child); });
  }
  starts[document_.node_count()] = count;
}

void Document::kinds(signed char* kinds) const {
  for (Node node = 0; node < document_.node_count(); ++node) {
    kinds[node] = static_cast<signed char>(document_.kind(node));
  }
}

void Document::numbers(int64_t* numbers) const {
  for (Node node = 0; node < document_.node_count(); ++node) {
    const Kind kind = document_.kind(node);
    if (kind == Kind::kInt) {
      numbers[node] = document_.as_int(node);
    } else if (kind == Kind::kBool) {
      numbers[node] = document_.as_bool(node);
    } else if (kind == Kind::kFloat) {
      const double value = document_.as_double(node);
      std::memcpy(&numbers[node], &value, sizeof value);
    }
  }
}

std::string Document::as_string(int node) const {
  switch (document_.kind(node)) {
    case Kind::kBigInt:
      return document_.big_integer_bytes(node);
    case Kind::kDtype:
      return dtype_name(document_.as_dtype(node));
    default:
      return document_.as_string(node);
  }
}

at::Tensor Document::as_tensor(int node) { return to_tensor(document_, node); }

int Document::text(int kind, const char* text, int64_t n) {
  const std::string_view data = view(text, n);
  switch (static_cast<Kind>(kind)) {
    case Kind::kStr:
      return as_int32(document_.str(data));
    case Kind::kBytes:
      return as_int32(document_.bytes(data));
    case Kind::kByteArray:
      return as_int32(document_.bytearray(data));
    case Kind::kBigInt:
      return as_int32(document_.big_integer(data));
    case Kind::kDevice:
      return as_int32(document_.device(data));
    case Kind::kLayout:
      return as_int32(document_.layout(data));
    case Kind::kDtype:
      if (const auto dtype = dtype_from_name(data)) {
        return as_int32(document_.dtype(*dtype));
      }
      throw std::invalid_argument("unknown dtype '" + std::string(data) + "'");
    default:
      throw std::invalid_argument(std::string(kind_name(static_cast<Kind>(kind))) + " is no text");
  }
}

int Document::container(int kind) {
  switch (static_cast<Kind>(kind)) {
    case Kind::kList:
      return as_int32(document_.list());
    case Kind::kSet:
      return as_int32(document_.set());
    case Kind::kDict:
      return as_int32(document_.dict());
    case Kind::kOrderedDict:
      return as_int32(document_.ordered_dict());
    case Kind::kCounter:
      return as_int32(document_.counter());
    default:
      throw std::invalid_argument(std::string(kind_name(static_cast<Kind>(kind))) +
                                  " cannot start empty");
  }
}

int Document::tuple(const int* items, int n) {
  return as_int32(document_.tuple(std::vector<Node>(items, items + n)));
}

int Document::sizes(const int64_t* sizes, int n) {
  return as_int32(document_.size(std::vector<int64_t>(sizes, sizes + n)));
}

void Document::append_numbers(int list, const double* values, int n) {
  for (int i = 0; i < n; ++i) document_.append(list, document_.number(values[i]));
}

void Document::append_integers(int list, const int64_t* values, int n) {
  for (int i = 0; i < n; ++i) document_.append(list, document_.integer(values[i]));
}

int Document::enumeration(const char* class_name, int64_t n, int value) {
  return as_int32(document_.enumeration(view(class_name, n), value));
}

int Document::tensor(const at::Tensor& tensor, bool parameter) {
  return as_int32(add_tensor(document_, tensor, parameter));
}

int Document::optimizer_state(const torch::optim::Optimizer& optimizer, bool dual) {
  return as_int32(state_dict(document_, optimizer, dual));
}

void Document::load_optimizer_state(torch::optim::Optimizer& optimizer, int state, bool dual,
                                    bool dry) {
  load_state_dict(optimizer, document_, state, dual, dry);
}

}  // namespace cooper4j::jni
