// Reads the restricted pickle of a checkpoint into a Document. A machine with an explicit stack:
// the depth of the file never becomes depth of calls. It only ever builds nodes; it calls nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "checkpoint/document/hash.h"
#include "checkpoint/pickle/globals.h"
#include "cooper4j/checkpoint.h"
#include "cooper4j/document.h"

namespace cooper4j {

/// What a persistent id names: ('storage', class, key, location, numel).
struct StorageRef {
  std::string key;
  std::string location;
  std::optional<Dtype> dtype;  // none: untyped
  uint64_t nbytes = 0;
};

class PickleReader {
 public:
  /// `check_storage` throws unless the file has the storage at the size it is declared with; no
  /// memory is taken for it here. Storage i of the document is storages()[i].
  PickleReader(std::string_view pickle, Document& document, const LoadOptions& options,
               std::function<void(const StorageRef&)> check_storage);

  /// Builds everything and sets the document's root.
  void read();

  const std::vector<StorageRef>& storages() const { return storages_; }

 private:
  enum class Is : uint8_t { kEmptyMemo, kNode, kGlobal, kStorage, kMixedTuple };
  struct Value {
    Is is = Is::kEmptyMemo;
    GlobalRef global{Global::kTensor};
    uint32_t index = 0;  // the node, storage or mixed tuple
  };
  using Values = std::vector<Value>;

  // The machine.
  bool step();
  void append_items(size_t count);
  void put_items(size_t count);
  void build();
  void make_tuple(size_t count);
  void reduce(bool new_object);
  void persistent_load();
  void remember(uint32_t slot);
  void recall(uint32_t slot);
  void read_global();
  std::string_view take(size_t count);
  std::string_view take_line();
  template <typename T>
  T take_le();
  double take_double();
  template <typename Make>
  Node shared(Node& node, Make make);
  void push_integer(int64_t value);
  void push(Node node);
  void push(Value value);
  Value pop();
  Node pop_node();
  Value& top();
  size_t since_mark();
  std::vector<Node> last_nodes(size_t count);
  void drop(size_t count);
  [[noreturn]] void fail(const std::string& why) const;

  // What REDUCE stands for; see rebuild.cc.
  Node node_of(const Value& value, const char* what) const;
  Values items_of(const Value& tuple, const char* what);
  Node call(GlobalRef function, const Values& args, bool new_object);
  Node make_new(Global cls, const Values& args);
  Node make_set(const Values& args);
  Node make_dict(Global cls, const Values& args);
  Node make_text(Global function, const Values& args);
  Node make_device(const Values& args);
  Node rebuild(Global function, const Values& args);
  Node rebuild_tensor(Global function, const Values& args);
  Node rebuild_parameter(const Values& args, bool has_state);
  Node rebuild_sparse(const Values& args);
  Node rebuild_from_type(const Values& args);
  void read_metadata(Node dict, TensorInfo& info);
  void add_state(Node node, Node state);
  void add_tensor_state(Node tensor, const Value& state);
  void require_no_hooks(const Value& hooks) const;
  bool boolean_of(const Value& value, const char* what) const;
  const std::string& string_of(const Value& value, const char* what) const;
  std::vector<int64_t> numbers(const Value& tuple, const char* what);
  void spend(uint64_t work);
  void hold(uint64_t bytes);
  void check_shape();

  std::string_view pickle_;
  size_t position_ = 0;
  size_t opcode_at_ = 0;
  Document& doc_;
  const LoadOptions& options_;
  std::function<void(const StorageRef&)> check_storage_;
  Values stack_;
  std::vector<size_t> marks_;
  Values memo_;
  std::vector<StorageRef> storages_;
  std::unordered_map<std::string, uint32_t, SeededHash> storage_keys_;
  std::vector<Values> mixed_tuples_;  // tuples that hold classes or storages
  // Values without an identity, which are one node however often they stand in the pickle.
  Node none_ = kNoNode, true_ = kNoNode, false_ = kNoNode, empty_tuple_ = kNoNode;
  std::vector<Node> small_;
};

}  // namespace cooper4j
