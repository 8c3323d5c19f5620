#include "checkpoint/pickle/reader.h"

#include <algorithm>
#include <cstring>

#include "checkpoint/document/budget.h"
#include "checkpoint/document/device_name.h"
#include "checkpoint/document/tree_walk.h"
#include "checkpoint/document/utf8.h"
#include "checkpoint/pickle/opcodes.h"
#include "checkpoint/zip/little_endian.h"

namespace cooper4j {
namespace {

constexpr const char* kReading = "reading data.pkl";
constexpr int64_t kSmallIntegers = 1 << 16;  // take no node each
constexpr size_t kKeyEntry = 64;             // a node of a hash table and its bucket
constexpr uint64_t kVisit = 8;               // steps to look at a value
constexpr size_t kMaxLine = 256;             // longer than any allowed module or name

std::string printable(std::string_view text) {
  std::string out;
  for (unsigned char c : text.substr(0, 120)) out.push_back(c < 0x20 || c >= 0x7F ? '?' : c);
  return out;
}

}  // namespace

PickleReader::PickleReader(std::string_view pickle, Document& document, const LoadOptions& options,
                           std::function<void(const StorageRef&)> check_storage, PicklePlace place)
    : pickle_(pickle),
      place_(place),
      doc_(document),
      options_(options),
      check_storage_(std::move(check_storage)) {}

void PickleReader::fail(const std::string& why) const {
  throw CheckpointError(std::string(place_.name) + ", byte " + std::to_string(opcode_at_) + ": " +
                        why);
}

// One large list, made once and then named by the memo, could be copied millions of times.
void PickleReader::spend(uint64_t work) { doc_.budget().work(work, "copying values"); }

void PickleReader::read() {
  try {
    if (take(1)[0] != pickle::kProto)
      fail(
          "does not start with a pickle protocol; if it is one of protocol 0 or 1, save it again "
          "with torch.save's default pickle_protocol");
    const int protocol = take_le<uint8_t>();
    if (protocol != 2 && protocol != 3)
      fail("has pickle protocol " + std::to_string(protocol) +
           ", torch.save writes 2; save again with torch.save's default pickle_protocol");
    while (step()) {
    }
    if (!marks_.empty() || stack_.size() != 1) fail("stops with an unfinished value");
    if (!place_.legacy && position_ != pickle_.size()) fail("goes on after its end");
    doc_.set_root(pop_node());
  } catch (const CheckpointError&) {
    require_nothing_opaque();  // what is in the way is the better reason
    throw;
  } catch (const std::invalid_argument& e) {
    require_nothing_opaque();
    fail(e.what());
  } catch (const std::length_error& e) {
    fail(e.what());
  }
  give_back(memo_, doc_.budget());
  give_back(stack_, doc_.budget());
  check_shape();
  require_nothing_opaque();
}

bool PickleReader::step() {
  opcode_at_ = position_;
  const char code = take(1)[0];
  switch (code) {
    case pickle::kNone:
      push(shared(none_, [&] { return doc_.none(); }));
      return true;
    case pickle::kNewTrue:
      push(shared(true_, [&] { return doc_.boolean(true); }));
      return true;
    case pickle::kNewFalse:
      push(shared(false_, [&] { return doc_.boolean(false); }));
      return true;
    case pickle::kBinInt:
      push_integer(take_le<int32_t>());
      return true;
    case pickle::kBinInt1:
      push_integer(take_le<uint8_t>());
      return true;
    case pickle::kBinInt2:
      push_integer(take_le<uint16_t>());
      return true;
    case pickle::kLong1:
      push(doc_.big_integer(take(take_le<uint8_t>())));
      return true;
    case pickle::kBinFloat:
      push(doc_.number(take_double()));
      return true;
    case pickle::kBinUnicode:
      push(doc_.str(take(take_le<uint32_t>())));
      return true;
    case pickle::kShortBinString: {
      // torch.load decodes them as strict UTF-8.
      const std::string_view text = take(take_le<uint8_t>());
      if (find_invalid_utf8(text, Surrogates::kRefuse) != std::string_view::npos)
        fail("a Python 2 str is not UTF-8");
      push(doc_.str(text));
      return true;
    }
    case pickle::kEmptyTuple:
      push(shared(empty_tuple_, [&] { return doc_.tuple({}); }));
      return true;
    case pickle::kEmptyList:
      push(doc_.list());
      return true;
    case pickle::kEmptyDict:
      push(doc_.dict());
      return true;
    case pickle::kEmptySet:
      push(doc_.set());
      return true;
    case pickle::kTuple1:
      make_tuple(1);
      return true;
    case pickle::kTuple2:
      make_tuple(2);
      return true;
    case pickle::kTuple3:
      make_tuple(3);
      return true;
    case pickle::kMark:
      if (marks_.size() > 8 * size_t{options_.max_depth} + 64) fail("nests too deeply");
      marks_.push_back(stack_.size());
      return true;
    case pickle::kTuple: {
      const size_t count = since_mark();
      marks_.pop_back();
      make_tuple(count);
      return true;
    }
    case pickle::kAppend:
      append_items(1);
      return true;
    case pickle::kAppends: {
      const size_t count = since_mark();
      marks_.pop_back();
      append_items(count);
      return true;
    }
    case pickle::kSetItem:
      put_items(2);
      return true;
    case pickle::kSetItems: {
      const size_t count = since_mark();
      marks_.pop_back();
      put_items(count);
      return true;
    }
    case pickle::kGlobal:
      read_global();
      return true;
    case pickle::kReduce:
      reduce(false);
      return true;
    case pickle::kNewObj:
      reduce(true);
      return true;
    case pickle::kBuild:
      build();
      return true;
    case pickle::kBinPersId:
      persistent_load();
      return true;
    case pickle::kBinPut:
      remember(take_le<uint8_t>());
      return true;
    case pickle::kLongBinPut:
      remember(take_le<uint32_t>());
      return true;
    case pickle::kBinGet:
      recall(take_le<uint8_t>());
      return true;
    case pickle::kLongBinGet:
      recall(take_le<uint32_t>());
      return true;
    case pickle::kStop:
      return false;
    default:
      fail_at_opcode(code);
  }
}

// torch.load(weights_only=True) reads none of them either.
void PickleReader::fail_at_opcode(char code) const {
  switch (code) {
    case '0':  // POP
    case '1':  // POP_MARK
      fail("has a tuple that contains itself; build it without, and save again");
    case 'B':     // BINBYTES
    case 'C':     // SHORT_BINBYTES
    case '\x8e':  // BINBYTES8
    case '\x96':  // BYTEARRAY8
      fail(
          "has bytes as pickle protocol 3 and later write them; save again with torch.save's "
          "default pickle_protocol");
    case '\x8b':  // LONG4
      fail("has an int of more than 255 bytes; save it as a str or as bytes");
    default:
      fail("has the opcode " + std::to_string(static_cast<unsigned char>(code)) +
           ", which torch.save does not write; the file is damaged, or of another program: load "
           "it in Python if you trust it, and save it again with torch.save");
  }
}

std::string_view PickleReader::take(size_t count) {
  ran_out_ = count > pickle_.size() - position_;
  if (ran_out_)
    fail("needs " + std::to_string(count) + " more bytes, there are " +
         std::to_string(pickle_.size() - position_));
  position_ += count;
  return pickle_.substr(position_ - count, count);
}

std::string_view PickleReader::take_line() {
  const std::string_view rest = pickle_.substr(position_, kMaxLine);
  const size_t end = rest.find('\n');
  ran_out_ = end == std::string_view::npos && rest.size() < kMaxLine;
  if (end == std::string_view::npos) fail("names a class by more than 256 characters");
  position_ += end + 1;
  return rest.substr(0, end);
}

template <typename T>
T PickleReader::take_le() {
  return get_le<T>(take(sizeof(T)).data());
}

double PickleReader::take_double() {
  const std::string_view bytes = take(8);
  uint64_t bits = 0;
  for (unsigned char c : bytes) bits = bits << 8 | c;
  double value;
  std::memcpy(&value, &bits, 8);
  return value;
}

template <typename Make>
Node PickleReader::shared(Node& node, Make make) {
  if (node == kNoNode) node = make();
  return node;
}

void PickleReader::push_integer(int64_t value) {
  if (value < 0 || value >= kSmallIntegers) return push(doc_.integer(value));
  if (small_.empty()) small_.resize(kSmallIntegers, kNoNode);
  push(shared(small_[static_cast<size_t>(value)], [&] { return doc_.integer(value); }));
}

void PickleReader::push(Value value) {
  grow(stack_, doc_.budget(), kReading);
  stack_.push_back(value);
}

void PickleReader::hold(uint64_t bytes) { doc_.budget().hold(bytes, kReading); }

void PickleReader::push(Node node) {
  Value value;
  value.is = Is::kNode;
  value.index = node;
  push(value);
}

size_t PickleReader::since_mark() {
  if (marks_.empty()) fail("ends a sequence that did not begin");
  return stack_.size() - marks_.back();
}

PickleReader::Value& PickleReader::top() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back()))
    fail("takes a value that is not there");
  return stack_.back();
}

PickleReader::Value PickleReader::pop() {
  const Value value = top();
  stack_.pop_back();
  return value;
}

// Classes and numpy's unfinished objects have no value of their own; they are opaque.
Node PickleReader::node_of(const Value& value, const char* what) {
  switch (value.is) {
    case Is::kNode:
      return value.index;
    case Is::kGlobal:
      return opaque(names_[value.index]);
    case Is::kStorage:
      return storage_node(value.index);
    case Is::kMixedTuple:
      return tuple_node(value.index, what);
    case Is::kNumpy:
      if (numpys_[value.index].node != kNoNode) return numpys_[value.index].node;
      return opaque(numpys_[value.index].array ? "numpy.ndarray" : "numpy.dtype");
    default:
      fail(std::string("expected ") + what);
  }
}

/// A bare storage, as the tensor of all its elements.
Node PickleReader::storage_node(uint32_t index) {
  const auto known = storage_nodes_.find(index);
  if (known != storage_nodes_.end()) return known->second;
  const Storage& storage = doc_.storage(index);
  TensorInfo info;
  info.storage = index;
  info.dtype = storage.dtype.value_or(Dtype::kUInt8);
  info.sizes = {static_cast<int64_t>(storage.nbytes / dtype_size(info.dtype))};
  info.strides = {1};
  return storage_nodes_.emplace(index, doc_.tensor(std::move(info))).first->second;
}

Node PickleReader::tuple_node(uint32_t mixed, const char* what) {
  if (mixed_tuples_[mixed].node != kNoNode) return mixed_tuples_[mixed].node;
  std::vector<Node> nodes;
  for (size_t i = 0; i < mixed_tuples_[mixed].items.size(); ++i)
    nodes.push_back(node_of(mixed_tuples_[mixed].items[i], what));
  return mixed_tuples_[mixed].node = doc_.tuple(std::move(nodes));
}

Node PickleReader::pop_node() { return node_of(pop(), "a value"); }

std::vector<Node> PickleReader::last_nodes(size_t count) {
  const size_t base = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() - base < count) fail("takes values that are not there");
  hold(count * sizeof(Node));
  doc_.budget().release(count * sizeof(Node));  // moved on, or gone soon
  std::vector<Node> nodes;
  nodes.reserve(count);
  for (size_t i = stack_.size() - count; i < stack_.size(); ++i)
    nodes.push_back(node_of(stack_[i], "a value"));
  return nodes;
}

void PickleReader::drop(size_t count) { stack_.resize(stack_.size() - count); }

void PickleReader::make_tuple(size_t count) {
  const size_t base = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() - base < count) fail("takes values that are not there");
  const auto begin = stack_.end() - static_cast<std::ptrdiff_t>(count);
  bool mixed = false;
  uint32_t depth = 0;
  for (auto it = begin; it != stack_.end(); ++it) {
    mixed = mixed || it->is != Is::kNode;
    if (it->is == Is::kMixedTuple) depth = std::max(depth, mixed_tuples_[it->index].depth);
  }
  if (!mixed) {
    const Node tuple = doc_.tuple(last_nodes(count));
    drop(count);
    return push(tuple);
  }
  if (depth >= options_.max_depth) fail("nests tuples too deeply");
  hold(sizeof(MixedTuple) + count * sizeof(Value));
  mixed_tuples_.push_back({Values(begin, stack_.end()), depth + 1});
  drop(count);
  Value value;
  value.is = Is::kMixedTuple;
  value.index = static_cast<uint32_t>(mixed_tuples_.size() - 1);
  push(value);
}

void PickleReader::append_items(size_t count) {
  const std::vector<Node> items = last_nodes(count);
  drop(count);
  if (is_opaque(top())) return;  // of a class that is a list
  const Node list = node_of(top(), "a list");
  if (doc_.kind(list) != Kind::kList)
    fail(std::string("appends to a ") + kind_name(doc_.kind(list)) + ", not a list");
  for (Node item : items) doc_.append(list, item);
}

void PickleReader::put_items(size_t count) {
  if (count % 2 != 0) fail("sets a key without a value");
  const std::vector<Node> items = last_nodes(count);
  drop(count);
  if (is_opaque(top())) return;
  const Node dict = node_of(top(), "a dict");
  for (size_t i = 0; i < items.size(); i += 2) doc_.put(dict, items[i], items[i + 1]);
}

// OrderedDict.__dict__.update(state); torch.load builds nothing else by it.
void PickleReader::build() {
  const Value content = pop();
  if (is_opaque(top())) return;
  if (top().is == Is::kNumpy) return build_numpy(top().index, content);
  const Node state = node_of(content, "a dict");
  const Node node = node_of(top(), "an OrderedDict");
  if (doc_.kind(node) != Kind::kOrderedDict || doc_.kind(state) != Kind::kDict)
    fail(std::string("gives a ") + kind_name(doc_.kind(node)) + " a state of " +
         kind_name(doc_.kind(state)) + "; only an OrderedDict has one, a dict");
  add_state(node, state);
}

void PickleReader::add_state(Node node, Node state) {
  spend(doc_.size(state));
  for (size_t i = 0; i < doc_.size(state); ++i) {
    if (doc_.kind(doc_.key(state, i)) != Kind::kStr) fail("an attribute's name is not a str");
    if (doc_.attrs(node) == kNoNode) doc_.set_attrs(node, doc_.dict());
    doc_.put(doc_.attrs(node), doc_.key(state, i), doc_.value(state, i));
  }
}

void PickleReader::remember(uint32_t slot) {
  // Python numbers slots one by one, so no pickle needs more of them than it has bytes.
  if (slot >= pickle_.size()) fail("has the memo slot " + std::to_string(slot));
  if (slot >= memo_.size()) {
    grow(memo_, doc_.budget(), kReading, slot + size_t{1} - memo_.size());
    memo_.resize(slot + size_t{1});
  }
  memo_[slot] = top();
}

void PickleReader::recall(uint32_t slot) {
  if (slot >= memo_.size() || memo_[slot].is == Is::kEmptyMemo)
    fail("reads the memo slot " + std::to_string(slot) + " before it is set");
  push(memo_[slot]);
}

void PickleReader::read_global() {
  const std::string_view module = take_line();
  const std::string_view name = take_line();
  const auto found = find_global(module, name);
  if (found && found->global == Global::kDtype) return push(doc_.dtype(found->dtype));
  Value value;
  value.is = Is::kGlobal;
  value.global = found.value_or(GlobalRef{Global::kOpaque});
  value.index = static_cast<uint32_t>(names_.size());
  hold(sizeof(std::string) + module.size() + name.size());
  names_.push_back(printable(module) + "." + printable(name));
  if (!found) stands_in_the_way(names_.back());
  push(value);
}

void PickleReader::reduce(bool new_object) {
  const Value args = pop();
  const Value function = pop();
  if (is_opaque(function)) return push(opaque_call(function, args));
  if (function.is != Is::kGlobal) fail("calls what is no class or function");
  const Values items = items_of(args, "a tuple of arguments");
  const Global global = function.global.global;
  if (takes_opaque(global, items)) return push(opaque_call(items[0], args));
  if (global >= Global::kNumpyReconstruct && !new_object) return push(numpy_call(global, items));
  push(call(function.global, items, new_object));
}

void PickleReader::persistent_load() {
  const Values id = items_of(pop(), "a storage's id");
  // A module's class, with its source, which stands in such files for people to read.
  if (place_.legacy && id.size() == 4 && string_of(id[0], "a str") == "module") return push(id[1]);
  const bool whole =
      place_.legacy && id.size() == 6 && doc_.kind(node_of(id[5], "None")) == Kind::kNone;
  if ((id.size() != 5 && !whole) || string_of(id[0], "a str") != "storage")
    fail("expected the id ('storage', class, key, location, numel)");
  if (id[1].is != Is::kGlobal) fail("expected the class of a storage");
  if (id[1].is == Is::kGlobal && is_opaque(id[1]))
    return push(opaque(names_[id[1].index]));  // of a quantised tensor
  StorageRef ref;
  const GlobalRef cls = id[1].global;
  if (cls.global == Global::kTypedStorage)
    ref.dtype = cls.dtype;
  else if (cls.global != Global::kUntypedStorage)
    fail("expected the class of a storage");
  spend(string_of(id[2], "a storage's key").size() / 16);
  ref.key = string_of(id[2], "a storage's key");
  ref.location = string_of(id[3], "a storage's location");
  if (!is_device_name(ref.location))
    fail("expected a storage's location such as 'cpu' or 'cuda:0'");
  const int64_t count = doc_.as_int(node_of(id[4], "an int"));
  const int64_t item = ref.dtype ? dtype_size(*ref.dtype) : 1;
  int64_t bytes = 0;
  if (count < 0 || __builtin_mul_overflow(count, item, &bytes))
    fail("storage '" + printable(ref.key) + "' has " + std::to_string(count) + " elements");
  ref.nbytes = static_cast<uint64_t>(bytes);

  Value value;
  value.is = Is::kStorage;
  const auto seen = storage_keys_.find(ref.key);
  if (seen != storage_keys_.end()) {
    const StorageRef& first = storages_[seen->second];
    value.index = first.index;
    const auto raw = [](const StorageRef& r) { return !r.dtype || *r.dtype == Dtype::kUInt8; };
    if (first.nbytes != ref.nbytes || first.location != ref.location ||
        (first.dtype != ref.dtype && !(raw(first) && raw(ref))))
      fail("describes storage '" + printable(ref.key) + "' in two ways");
    return push(value);
  }
  check_storage_(ref);
  Storage storage;
  storage.nbytes = ref.nbytes;
  storage.location = ref.location;
  storage.dtype = ref.dtype;
  value.index = ref.index = doc_.add_storage(std::move(storage));
  hold(sizeof(StorageRef) + kKeyEntry + 2 * ref.key.size());
  storage_keys_.emplace(ref.key, static_cast<uint32_t>(storages_.size()));
  storages_.push_back(std::move(ref));
  push(value);
}

// Walks the tree as every consumer will, once it is complete: sharing can make a small file an
// enormous tree, and lists can be nested through the memo in any order.
void PickleReader::check_shape() {
  TreeWalk walk(doc_);
  for (Node node = walk.next(); node != kNoNode; node = walk.next()) {
    doc_.budget().work(kVisit, "unfolding values shared by reference");
    if (walk.depth() > options_.max_depth)
      throw CheckpointError(std::string(place_.name) + ": values nest more than " +
                            std::to_string(options_.max_depth) + " deep");
  }
}

}  // namespace cooper4j
