// A cooper4j::Document as Java walks and builds it: kinds by number, texts as bytes.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/csrc/api/include/torch/optim/optimizer.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "cooper4j/checkpoint.h"
#include "cooper4j/document.h"

namespace cooper4j::jni {

class Document {
 public:
  Document() = default;
  /// LoadOptions::limit of the loads that follow.
  void set_limit(int64_t limit) { limit_ = static_cast<uint64_t>(limit); }
  /// Reads a checkpoint, from a file or from the bytes that were fed before; tensors go to the
  /// device, or to the CPU if it is empty.
  void load(const char* path, int64_t n, const char* device, int64_t m, bool opaque);
  void feed(const char* bytes, int64_t n);
  void load_fed(const char* device, int64_t m, bool opaque);
  void save(const char* path, int64_t n, int root) const;
  /// The file's bytes in memory, in pieces: each fills `bytes`, and the count says how far.
  void save_bytes(int root);
  int64_t drain(char* bytes, int64_t n);
  void load_safetensors(const char* path, int64_t n, const char* device, int64_t m);
  void save_safetensors(const char* path, int64_t n, int root) const;
  void load_fed_safetensors(const char* device, int64_t m);
  void save_safetensors_bytes(int root);

  /// Counts what reading the nodes costs on the other side, against the file's budget.
  void work(int64_t steps) const;
  void hold(int64_t bytes) const;

  int root() const { return as_int32(document_.root()); }
  int node_count() const { return static_cast<int>(document_.node_count()); }
  double real(int node) const { return document_.as_complex(node).real(); }
  double imaginary(int node) const { return document_.as_complex(node).imag(); }
  std::string as_string(int node) const;  ///< of big ints: two's complement, little-endian
  /// What is in all nodes, a call for all of them: the items of a list, tuple, set or size; key,
  /// value, key, … and the __dict__ of a dict; a tensor's __dict__; an enum's value. Those of a
  /// node start at starts[node] and end where the next one's do, so there is one start more than
  /// nodes.
  int64_t child_count() const;
  void children(int* starts, int* children) const;
  /// The kinds of all nodes, and the bool, int or bits of the float of those that are one.
  void kinds(signed char* kinds) const;
  void numbers(int64_t* numbers) const;
  bool is_parameter(int node) const { return document_.as_tensor(node).parameter; }
  at::Tensor as_tensor(int node);

  int none() { return as_int32(document_.none()); }
  int boolean_(bool value) { return as_int32(document_.boolean(value)); }
  int integer(int64_t value) { return as_int32(document_.integer(value)); }
  int number(double value) { return as_int32(document_.number(value)); }
  int complex(double real, double imaginary) {
    return as_int32(document_.complex({real, imaginary}));
  }
  int text(int kind, const char* text, int64_t n);
  int container(int kind);
  int tuple(const int* items, int n);
  int sizes(const int64_t* sizes, int n);
  int enumeration(const char* class_name, int64_t n, int value);
  int tensor(const at::Tensor& tensor, bool parameter);
  void append(int sequence, int item) { document_.append(sequence, item); }
  /// Many floats or ints at once: a call from Java costs more than what it does here.
  void append_numbers(int list, const double* values, int n);
  void append_integers(int list, const int64_t* values, int n);
  void put(int dict, int key, int value) { document_.put(dict, key, value); }
  void set_attrs(int node, int dict) { document_.set_attrs(node, dict); }

  /// The optimizer's state_dict; a dual one's says maximize.
  int optimizer_state(const torch::optim::Optimizer& optimizer, bool dual);
  /// Loads a state, or with `dry` only checks that it fits.
  void load_optimizer_state(torch::optim::Optimizer& optimizer, int state, bool dual, bool dry);

 private:
  LoadOptions load_options(std::string_view device, bool opaque) const;
  template <typename Visit>
  void visit_children(Node node, Visit visit) const;
  static int as_int32(Node node) { return static_cast<int>(node); }

  cooper4j::Document document_;
  uint64_t limit_ = kDefaultLimit;
  std::string bytes_;  // fed, or to be drained
  size_t drained_ = 0;
};

}  // namespace cooper4j::jni
