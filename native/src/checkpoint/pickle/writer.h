// Writes a Document as the pickle that torch.save would write, byte for byte where Python's object
// identities can be told from the Document. Iterative, like the reader.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "checkpoint/document/budget.h"
#include "cooper4j/document.h"

namespace cooper4j {

class PickleWriter {
 public:
  explicit PickleWriter(const Document& document);

  /// The pickle of `root`. Throws CheckpointError naming the key path of what cannot be written.
  std::string write(Node root);

  /// The document's storages in the order of their records data/0, data/1, …
  const std::vector<uint32_t>& storages() const { return storages_; }

 private:
  // What is still to be written, as a stack of small steps.
  enum class Do : uint8_t {
    kValue,
    kListItems,
    kDictItems,
    kOp,
    kTupleEnd,
    kCallEnd,
    kCall1End,
    kSparseEnd
  };
  struct Task {
    Do what;
    Node node;
    size_t from;  // the first item of a batch; the opcode of kOp
  };

  void run(const Task& task);
  void count();
  void value(Node node);
  void list_items(Node node, size_t from);
  void dict_items(Node node, size_t from);
  void ordered_dict(Node node);
  void tuple(Node node);
  void tuple_end(Node node);
  void bytes(Node node);
  void bytearray(Node node);
  void device(Node node);
  void enumeration(Node node);
  void tensor(Node node);
  void tensor_call(const TensorInfo& info);
  void tensor_args(const TensorInfo& info);
  void metadata(const TensorInfo& info);
  void storage_id(uint32_t storage);
  void sparse(Node node);
  void sparse_end(Node node);
  bool typed(uint32_t storage) const { return !untyped_[storage]; }

  void integer(int64_t value);
  void big_integer(const std::string& bytes);
  void number(double value);
  void sizes(const std::vector<int64_t>& values);
  void size_call(const std::vector<int64_t>& values);
  void layout(const std::string& name);
  void empty_ordered_dict();
  void encoded(std::string_view data);
  void text(std::string_view utf8);
  void constant(const std::string& utf8);
  void global(const std::string& module, const std::string& name);
  void boolean(bool value);
  void op(char code) { out_.push_back(code); }
  void call_end(char tuple_op);
  bool recall(const std::string& constant);
  void memoize(Node node) { put(slots_[node] = next_slot_++); }
  void memoize_new() { put(next_slot_++); }
  void put(uint32_t slot);
  void get(uint32_t slot);
  void then(Do what, Node node = kNoNode, size_t from = 0) { tasks_.push_back({what, node, from}); }
  [[noreturn]] void fail(Node node, const std::string& why) const;

  const Document& doc_;
  Node root_ = kNoNode;
  std::string out_;
  std::vector<Task> tasks_;                                   // the next one last
  std::vector<uint32_t> slots_;                               // of nodes
  std::unordered_map<std::string, uint32_t> constant_slots_;  // of classes and torch's own strings
  Budget budget_;
  size_t counted_ = 0;  // bytes of out_ that the budget knows
  std::vector<bool> open_tuples_;
  std::vector<bool> untyped_;   // storages
  std::vector<uint32_t> keys_;  // of storages
  std::vector<uint32_t> storages_;
  uint32_t next_slot_ = 0;
};

}  // namespace cooper4j
