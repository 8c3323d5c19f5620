// Reads the values that a layout names out of a dict, and refuses what does not fit.
#pragma once

#include <ATen/core/Tensor.h>

#include <deque>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "checkpoint/document/budget.h"
#include "cooper4j/document.h"
#include "cooper4j/optim/nupi.h"
#include "optim/state/visitor.h"

namespace cooper4j::optim {

/// Throws std::invalid_argument "{path}: expected {expected}, found {what the node is}".
[[noreturn]] void refuse_node(const std::string& path, const std::string& expected,
                              const Document& document, Node node);

/// What copying out of a document may take, relative to the tensors in it: an expanded one may
/// stand for any number of elements, and a list may name one any number of times.
Budget copying_budget(const Document& document);

class StateLoader {
 public:
  static constexpr bool kLoads = true;

  /// `dict` lies at `path`; `param` is the parameter of a state, undefined for a group, and `numel`
  /// the elements of all parameters.
  StateLoader(Document& document, Node dict, std::string path, bool maximize, Budget& budget,
              at::Tensor param = {}, int64_t numel = 0);

  void real(const char* key, double& value, Zero = Zero::kFloat);
  void integer(const char* key, int64_t& value);
  void optional_integer(const char* key, std::optional<int64_t>& value);
  void optional_text(const char* key, std::optional<std::string>& value);
  /// Python adds a missing flag as False.
  void flag(const char* key, bool& value);
  void betas(const char* key, std::tuple<double, double>& value);
  void none(const char*) {}
  void off(const char*) {}
  void extra_real(const char* key, double& value);
  void extra_flag(const char* key, bool& value);
  void fixed(const char* key, bool value);
  void maximize();
  void gain(const char* key, at::Tensor& value);
  void init_type(const char* key, NuPIInitType& value);

  /// A count in a tensor, or (before torch 1.12) in an int.
  void step(const char* key, int64_t& value) { count(key, value); }
  void count(const char* key, int64_t& value);
  void optional_real(const char* key, double& value);
  /// Of the parameter's shape.
  void tensor(const char* key, at::Tensor& value, Need need);
  /// The same, without negative ones.
  void squares(const char* key, at::Tensor& value, Need need);
  /// The same, of the opposite sign when maximizing.
  void odd_tensor(const char* key, at::Tensor& value);
  void mask(const char* key, at::Tensor& value);
  /// Over the elements of all parameters.
  void flat(const char* key, at::Tensor& value);
  void flats(const char* key, std::deque<at::Tensor>& values);
  void scalar(const char* key, at::Tensor& value);
  void scalars(const char* key, std::deque<at::Tensor>& values);
  void optional_scalars(const char* key, std::optional<std::vector<at::Tensor>>& values);

 private:
  Node find(const char* key) const;      // kNoNode if absent or None
  Node required(const char* key) const;  // absent: throws
  std::string path(const char* key) const { return path_ + "." + key; }
  double as_real(Node node, const std::string& path) const;
  std::vector<Node> items(const char* key) const;
  at::Tensor floating(Node node, const std::string& path, at::IntArrayRef sizes) const;
  at::Tensor counted(Node node, const std::string& path, at::IntArrayRef sizes) const;

  Document& document_;
  Node dict_;
  std::string path_;
  bool maximize_;
  Budget& budget_;
  at::Tensor param_;
  int64_t numel_;
};

}  // namespace cooper4j::optim
