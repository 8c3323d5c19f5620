// Writes the values that a layout names into a dict.
#pragma once

#include <ATen/core/Tensor.h>

#include <deque>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "cooper4j/document.h"
#include "cooper4j/optim/nupi.h"
#include "optim/state/visitor.h"

namespace cooper4j::optim {

class StateSaver {
 public:
  static constexpr bool kLoads = false;

  StateSaver(Document& document, Node dict, bool maximize)
      : document_(document), dict_(dict), maximize_(maximize) {}

  void real(const char* key, double value, Zero zero = Zero::kFloat);
  void integer(const char* key, int64_t value) { put(key, document_.integer(value)); }
  void optional_integer(const char* key, const std::optional<int64_t>& value);
  void optional_text(const char* key, const std::optional<std::string>& value);
  void flag(const char* key, bool value) { put(key, document_.boolean(value)); }
  void betas(const char* key, const std::tuple<double, double>& value);
  void none(const char* key) { constant(key, document_.none()); }
  void off(const char* key) { constant(key, document_.boolean(false)); }
  /// Options that Python does not have are written where they are not 0.
  void extra_real(const char* key, double value) {
    if (value != 0) real(key, value);
  }
  void extra_flag(const char* key, bool value) {
    if (value) flag(key, value);
  }
  void fixed(const char* key, bool value) { flag(key, value); }
  void maximize() { flag("maximize", maximize_); }
  void gain(const char* key, const at::Tensor& value) { put_tensor(key, value); }
  void init_type(const char* key, NuPIInitType value);

  void step(const char* key, int64_t value);
  void count(const char* key, int64_t value) { integer(key, value); }
  void optional_real(const char* key, double value) { put(key, document_.number(value)); }
  void tensor(const char* key, const at::Tensor& value, Need) { put_tensor(key, value); }
  void squares(const char* key, const at::Tensor& value, Need) { put_tensor(key, value); }
  void odd_tensor(const char* key, const at::Tensor& value);
  void mask(const char* key, const at::Tensor& value) { put_tensor(key, value); }
  void flat(const char* key, const at::Tensor& value) { put_tensor(key, value); }
  void flats(const char* key, const std::deque<at::Tensor>& values);
  void scalar(const char* key, const at::Tensor& value);
  void scalars(const char* key, const std::deque<at::Tensor>& values);
  void optional_scalars(const char* key, const std::optional<std::vector<at::Tensor>>& values);

  /// The keys of none() and off(): Python's options that LibTorch does not have.
  const std::vector<std::string>& constants() const { return constants_; }

 private:
  void constant(const char* key, Node value) {
    constants_.push_back(key);
    put(key, value);
  }
  void put(const char* key, Node value) { document_.put(dict_, key, value); }
  void put_tensor(const char* key, const at::Tensor& value);
  template <typename Tensors>
  void put_list(const char* key, const Tensors& values);

  Document& document_;
  Node dict_;
  bool maximize_;
  std::vector<std::string> constants_;
};

}  // namespace cooper4j::optim
