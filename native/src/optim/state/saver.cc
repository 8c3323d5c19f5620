#include "optim/state/saver.h"

#include <ATen/Functions.h>

#include "cooper4j/checkpoint.h"

namespace cooper4j::optim {

void StateSaver::real(const char* key, double value, Zero zero) {
  put(key, value == 0 && zero == Zero::kInt ? document_.integer(0) : document_.number(value));
}

void StateSaver::optional_integer(const char* key, const std::optional<int64_t>& value) {
  put(key, value ? document_.integer(*value) : document_.none());
}

void StateSaver::optional_text(const char* key, const std::optional<std::string>& value) {
  put(key, value ? document_.str(*value) : document_.none());
}

void StateSaver::betas(const char* key, const std::tuple<double, double>& value) {
  put(key, document_.tuple(
               {document_.number(std::get<0>(value)), document_.number(std::get<1>(value))}));
}

void StateSaver::init_type(const char* key, NuPIInitType value) {
  put(key,
      document_.enumeration(kNuPIInitTypeClass, document_.integer(static_cast<int64_t>(value))));
}

void StateSaver::step(const char* key, int64_t value) {
  put_tensor(key, at::scalar_tensor(value, at::kFloat));
}

void StateSaver::odd_tensor(const char* key, const at::Tensor& value) {
  // 0 - x, since neg would write -0 for 0.
  put_tensor(key, maximize_ && value.defined() ? at::rsub(value, 0) : value);
}

void StateSaver::scalar(const char* key, const at::Tensor& value) {
  if (value.defined() && !value.is_floating_point()) {
    integer(key, value.item<int64_t>());  // LBFGS starts with the number 1
  } else {
    put_tensor(key, value);
  }
}

void StateSaver::flats(const char* key, const std::deque<at::Tensor>& values) {
  put_list(key, values);
}

void StateSaver::scalars(const char* key, const std::deque<at::Tensor>& values) {
  put_list(key, values);
}

void StateSaver::optional_scalars(const char* key,
                                  const std::optional<std::vector<at::Tensor>>& values) {
  if (values) put_list(key, *values);
}

void StateSaver::put_tensor(const char* key, const at::Tensor& value) {
  if (value.defined()) put(key, add_tensor(document_, value));
}

template <typename Tensors>
void StateSaver::put_list(const char* key, const Tensors& values) {
  std::vector<Node> items;
  items.reserve(values.size());
  for (const at::Tensor& value : values) {
    items.push_back(value.defined() ? add_tensor(document_, value) : document_.none());
  }
  put(key, document_.list(std::move(items)));
}

}  // namespace cooper4j::optim
