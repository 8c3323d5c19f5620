// Reads the restricted pickle of a checkpoint into a Document. A machine with an explicit stack:
// the depth of the file never becomes depth of calls. It only ever builds nodes; it calls nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
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
  uint32_t index = 0;  // in the document
};

/// How a pickle stands in its file.
struct PicklePlace {
  const char* name = "data.pkl";  // for messages
  /// In the format before torch 1.6: other pickles and the tensors' bytes follow it, and storages
  /// have a sixth part.
  bool legacy = false;
};

class PickleReader {
 public:
  /// `check_storage` throws unless the file has the storage at the size it is declared with; no
  /// memory is taken for it here. What numpy arrays hold is in the document already.
  PickleReader(std::string_view pickle, Document& document, const LoadOptions& options,
               std::function<void(const StorageRef&)> check_storage, PicklePlace place = {});

  /// Builds everything and sets the document's root.
  void read();

  const std::vector<StorageRef>& storages() const { return storages_; }
  /// The bytes that were read.
  size_t position() const { return position_; }
  /// Whether reading failed because the pickle goes on behind what was given of it.
  bool ran_out() const { return ran_out_; }

 private:
  enum class Is : uint8_t { kEmptyMemo, kNode, kGlobal, kStorage, kMixedTuple, kNumpy };
  struct Value {
    Is is = Is::kEmptyMemo;
    GlobalRef global{Global::kTensor};
    uint32_t index = 0;  // of the node, name, storage, mixed tuple or numpy object
  };
  using Values = std::vector<Value>;
  struct MixedTuple {
    Values items;
    uint32_t depth = 1;   // of such tuples in it
    Node node = kNoNode;  // once it is used as a value
  };
  struct NumpyObject {
    bool array = false;  // else a dtype
    std::string code;    // of the dtype: "f8"
    bool swapped = false;
    std::optional<Dtype> dtype;  // none: no tensor has it
    Node node = kNoNode;         // of an array that has its contents
  };

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
  [[noreturn]] void fail_at_opcode(char code) const;

  // Objects of other classes; see opaque.cc.
  bool is_opaque(const Value& value) const;
  bool takes_opaque(Global function, const Values& args) const;
  Node opaque_call(const Value& function, const Value& args);
  Node opaque(std::string name);
  void stands_in_the_way(const std::string& name);
  void require_nothing_opaque() const;

  // numpy's objects; see numpy.cc.
  Value numpy_call(Global function, const Values& args);
  NumpyObject numpy_dtype(const Values& args);
  void build_numpy(uint32_t index, const Value& state);
  void build_numpy_dtype(NumpyObject& object, const Values& state);
  Node numpy_array(const NumpyObject& dtype, const Value& shape, bool fortran, const Value& data);
  Node numpy_scalar(const NumpyObject& dtype, const Value& data);
  const NumpyObject& numpy_of(const Value& value) const;
  const std::string& buffer_of(const Value& value, const char* what);

  // What REDUCE stands for; see rebuild.cc.
  Node node_of(const Value& value, const char* what);
  Node storage_node(uint32_t index);
  Node tuple_node(uint32_t mixed, const char* what);
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
  void require_no_hooks(const Value& hooks);
  bool boolean_of(const Value& value, const char* what);
  const std::string& string_of(const Value& value, const char* what);
  std::vector<int64_t> numbers(const Value& tuple, const char* what);
  void spend(uint64_t work);
  void hold(uint64_t bytes);
  void check_shape();

  std::string_view pickle_;
  PicklePlace place_;
  bool ran_out_ = false;
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
  std::unordered_map<uint32_t, Node> storage_nodes_;
  std::vector<MixedTuple> mixed_tuples_;  // tuples that hold what is no node
  std::vector<NumpyObject> numpys_;
  std::vector<std::string> names_;  // of classes, as the pickle has them
  struct Unlisted {
    std::string name;
    size_t at;  // the byte where it stands first
  };
  std::vector<Unlisted> in_the_way_;  // classes that are not on the list, each once
  std::unordered_set<std::string, SeededHash> known_in_the_way_;
  // Values without an identity, which are one node however often they stand in the pickle.
  Node none_ = kNoNode, true_ = kNoNode, false_ = kNoNode, empty_tuple_ = kNoNode;
  std::vector<Node> small_;
};

}  // namespace cooper4j
