// What a pickle's REDUCE and NEWOBJ stand for: the constructors and torch's _rebuild functions.
#include "checkpoint/document/utf8.h"
#include "checkpoint/pickle/reader.h"

namespace cooper4j {

PickleReader::Values PickleReader::items_of(const Value& tuple, const char* what) {
  if (tuple.is == Is::kMixedTuple) {
    spend(mixed_tuples_[tuple.index].items.size());
    return mixed_tuples_[tuple.index].items;
  }
  const Node node = node_of(tuple, what);
  if (doc_.kind(node) != Kind::kTuple)
    fail(std::string("expected ") + what + ", found " + kind_name(doc_.kind(node)));
  spend(doc_.size(node));
  Values items(doc_.size(node));
  for (size_t i = 0; i < items.size(); ++i) {
    items[i].is = Is::kNode;
    items[i].index = doc_.item(node, i);
  }
  return items;
}

bool PickleReader::boolean_of(const Value& value, const char* what) {
  return doc_.as_bool(node_of(value, what));
}

const std::string& PickleReader::string_of(const Value& value, const char* what) {
  const Node node = node_of(value, what);
  if (doc_.kind(node) != Kind::kStr)
    fail(std::string("expected ") + what + ", found " + kind_name(doc_.kind(node)));
  return doc_.as_string(node);
}

std::vector<int64_t> PickleReader::numbers(const Value& tuple, const char* what) {
  const Node node = node_of(tuple, what);
  const Kind kind = doc_.kind(node);
  if (kind != Kind::kTuple && kind != Kind::kSize && kind != Kind::kList)
    fail(std::string("expected ") + what + ", found " + kind_name(kind));
  spend(doc_.size(node));
  std::vector<int64_t> values;
  for (size_t i = 0; i < doc_.size(node); ++i) values.push_back(doc_.as_int(doc_.item(node, i)));
  return values;
}

void PickleReader::require_no_hooks(const Value& hooks) {
  const Node node = node_of(hooks, "a tensor's hooks");
  if (doc_.kind(node) != Kind::kOrderedDict || doc_.size(node) != 0)
    fail("expected an empty OrderedDict as a tensor's hooks");
}

Node PickleReader::call(GlobalRef function, const Values& args, bool new_object) {
  const Global global = function.global;
  if (new_object) return make_new(global, args);
  switch (global) {
    case Global::kOrderedDict:
    case Global::kCounter:
    case Global::kDefaultDict:
      return make_dict(global, args);
    case Global::kSet:
      return make_set(args);
    case Global::kBytes:
    case Global::kByteArray:
    case Global::kEncode:
      return make_text(global, args);
    case Global::kDevice:
      return make_device(args);
    case Global::kComplex:
      if (args.size() != 2) fail("expected complex(real, imag)");
      return doc_.complex({doc_.as_double(node_of(args[0], "a float")),
                           doc_.as_double(node_of(args[1], "a float"))});
    case Global::kSize:
      if (args.size() != 1) fail("expected torch.Size((…))");
      return doc_.size(numbers(args[0], "a tuple of sizes"));
    case Global::kGetLayout: {
      if (args.size() != 1) fail("expected the name of a layout");
      const std::string& name = string_of(args[0], "a layout's name");
      for (const char* known :
           {"torch.strided", "torch.sparse_coo", "torch.sparse_csr", "torch.sparse_csc",
            "torch.sparse_bsr", "torch.sparse_bsc", "torch.jagged"})
        if (name == known) return doc_.layout(known);
      fail("names an unknown layout");
    }
    case Global::kNuPIInitType:
      if (args.size() != 1) fail("expected nuPIInitType(value)");
      return doc_.enumeration(kNuPIInitTypeName, node_of(args[0], "an int"));
    default:
      return rebuild(global, args);
  }
}

// cls.__new__ without __init__: the containers stay empty.
Node PickleReader::make_new(Global cls, const Values& args) {
  if (cls == Global::kParameter && args.size() == 2) {
    TensorInfo info = doc_.as_tensor(node_of(args[0], "a tensor"));
    spend(info.sizes.size());
    info.requires_grad = boolean_of(args[1], "requires_grad");
    info.parameter = true;
    info.attrs = kNoNode;
    return doc_.tensor(std::move(info));
  }
  if (!args.empty()) fail("makes an object in a way that torch.save does not");
  switch (cls) {
    case Global::kOrderedDict:
      return doc_.ordered_dict();
    case Global::kCounter:
      return doc_.counter();
    case Global::kDefaultDict:
      return doc_.default_dict();
    case Global::kSet:
      return doc_.set();
    default:
      fail("makes an object in a way that torch.save does not");
  }
}

Node PickleReader::make_set(const Values& args) {
  if (args.empty()) return doc_.set();
  const Node items = node_of(args[0], "a list");
  if (args.size() != 1 || doc_.kind(items) != Kind::kList) fail("expected set([…])");
  spend(doc_.size(items));
  const Node set = doc_.set();
  for (size_t i = 0; i < doc_.size(items); ++i) doc_.append(set, doc_.item(items, i));
  return set;
}

Node PickleReader::make_dict(Global cls, const Values& args) {
  if (cls == Global::kDefaultDict) {
    const bool factory =
        args.size() == 1 &&
        (is_opaque(args[0]) ||
         (args[0].is == Is::kGlobal && (args[0].global.global == Global::kDefaultFactory ||
                                        args[0].global.global == Global::kSet)));
    const bool none =
        args.size() == 1 && args[0].is == Is::kNode && doc_.kind(args[0].index) == Kind::kNone;
    if (!args.empty() && !factory && !none)
      fail("expected a defaultdict of list, dict, set, tuple, int, float, bool or str");
    return doc_.default_dict();
  }
  const Node dict = cls == Global::kCounter ? doc_.counter() : doc_.ordered_dict();
  if (args.empty()) return dict;
  const Node from = node_of(args[0], "the items of a dict");
  const bool pairs = cls == Global::kOrderedDict && doc_.kind(from) == Kind::kList;
  if (args.size() != 1 || (!doc_.is_dict(from) && !pairs)) fail("expected the items of a dict");
  spend(doc_.size(from));
  for (size_t i = 0; i < doc_.size(from); ++i) {
    const Node pair = pairs ? doc_.item(from, i) : kNoNode;
    if (pairs && doc_.size(pair) != 2) fail("expected a key and a value");
    doc_.put(dict, pairs ? doc_.item(pair, 0) : doc_.key(from, i),
             pairs ? doc_.item(pair, 1) : doc_.value(from, i));
  }
  return dict;
}

Node PickleReader::make_text(Global function, const Values& args) {
  const bool array = function == Global::kByteArray;
  if (args.empty() && function != Global::kEncode)
    return array ? doc_.bytearray("") : doc_.bytes("");
  const Node from = args.empty() ? doc_.none() : node_of(args[0], "a str");
  if (array && args.size() == 1 && doc_.kind(from) == Kind::kBytes) {
    const std::string data = doc_.as_string(from);  // the table it is in may grow
    spend(data.size() / 16);
    return doc_.bytearray(data);
  }
  if (args.size() != 2 || function == Global::kBytes || doc_.kind(from) != Kind::kStr)
    fail("expected bytes as _codecs.encode(str, 'latin1')");
  const std::string& codec = string_of(args[1], "an encoding");
  if (codec != "latin1" && codec != "latin-1") fail("expected the encoding latin1");
  const std::string& text = doc_.as_string(from);
  spend(text.size() / 16);
  std::string data;
  data.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const char32_t value = next_code_point(text, i);
    if (value > 0xFF) fail("encodes a character beyond latin1");
    data.push_back(static_cast<char>(value));
  }
  return array ? doc_.bytearray(data) : doc_.bytes(data);
}

Node PickleReader::make_device(const Values& args) {
  if (args.empty() || args.size() > 2) fail("expected torch.device(type[, index])");
  std::string name = string_of(args[0], "a device's type");
  if (args.size() == 2) name += ":" + std::to_string(doc_.as_int(node_of(args[1], "an int")));
  return doc_.device(name);
}

Node PickleReader::rebuild(Global function, const Values& args) {
  switch (function) {
    case Global::kRebuildTensor:
    case Global::kRebuildTensorV2:
    case Global::kRebuildTensorV3:
      return rebuild_tensor(function, args);
    case Global::kRebuildParameter:
      return rebuild_parameter(args, false);
    case Global::kRebuildParameterWithState:
      return rebuild_parameter(args, true);
    case Global::kRebuildSparseTensor:
      return rebuild_sparse(args);
    case Global::kRebuildFromTypeV2:
      return rebuild_from_type(args);
    default:
      fail("calls a class that torch.save does not call");
  }
}

// (storage, offset, size, stride, requires_grad, hooks[, dtype][, metadata])
Node PickleReader::rebuild_tensor(Global function, const Values& args) {
  const bool v3 = function == Global::kRebuildTensorV3;
  const size_t plain = function == Global::kRebuildTensor ? 4 : v3 ? 7 : 6;
  const bool has_metadata = plain > 4 && args.size() == plain + 1;
  if ((args.size() != plain && !has_metadata) || args[0].is != Is::kStorage)
    fail("expected the arguments of torch._utils._rebuild_tensor");
  TensorInfo info;
  info.storage = args[0].index;
  const auto& typed = doc_.storage(info.storage).dtype;
  info.dtype = v3 ? doc_.as_dtype(node_of(args[6], "a dtype")) : typed.value_or(Dtype::kUInt8);
  info.offset = doc_.as_int(node_of(args[1], "an offset"));
  info.sizes = numbers(args[2], "a tensor's shape");
  info.strides = numbers(args[3], "a tensor's strides");
  if (plain > 4) {
    info.requires_grad = boolean_of(args[4], "requires_grad");
    require_no_hooks(args[5]);
  }
  if (has_metadata) read_metadata(node_of(args[plain], "a dict"), info);
  return doc_.tensor(std::move(info));
}

void PickleReader::read_metadata(Node dict, TensorInfo& info) {
  for (size_t i = 0; i < doc_.size(dict); ++i) {
    const std::string& name = doc_.as_string(doc_.key(dict, i));
    const bool value = doc_.as_bool(doc_.value(dict, i));
    if (name == "conj")
      info.conj = value;
    else if (name == "neg")
      info.neg = value;
    else
      fail("a tensor has metadata other than 'conj' and 'neg'");
  }
}

// (data, requires_grad, hooks[, state])
Node PickleReader::rebuild_parameter(const Values& args, bool has_state) {
  if (args.size() != (has_state ? 4u : 3u))
    fail("expected the arguments of torch._utils._rebuild_parameter");
  TensorInfo info = doc_.as_tensor(node_of(args[0], "a tensor"));
  spend(info.sizes.size());
  info.requires_grad = boolean_of(args[1], "requires_grad");
  info.parameter = true;
  info.attrs = kNoNode;
  require_no_hooks(args[2]);
  const Node tensor = doc_.tensor(std::move(info));
  if (has_state) add_tensor_state(tensor, args[3]);
  return tensor;
}

// (layout, (indices, values, size[, coalesced])) or (layout, (compressed, plain, values, size))
Node PickleReader::rebuild_sparse(const Values& args) {
  if (args.size() != 2) fail("expected the arguments of torch._utils._rebuild_sparse_tensor");
  const Node layout_node = node_of(args[0], "a layout");
  if (doc_.kind(layout_node) != Kind::kLayout) fail("expected a layout");
  const std::string& layout = doc_.as_string(layout_node);
  const Values parts = items_of(args[1], "the parts of a sparse tensor");
  const auto part = [&](size_t i) { return node_of(parts[i], "a tensor"); };
  SparseInfo info;
  if (layout == "torch.sparse_coo" && (parts.size() == 3 || parts.size() == 4)) {
    info.first = part(0);
    info.second = part(1);
    info.sizes = numbers(parts[2], "a torch.Size");
    if (parts.size() == 4 && doc_.kind(node_of(parts[3], "is_coalesced")) != Kind::kNone)
      info.coalesced = boolean_of(parts[3], "is_coalesced");
    return doc_.sparse_coo(std::move(info));
  }
  if (layout != "torch.sparse_coo" && parts.size() == 4) {
    info.layout = layout;
    info.first = part(0);
    info.second = part(1);
    info.third = part(2);
    info.sizes = numbers(parts[3], "a torch.Size");
    return doc_.sparse_csr(std::move(info));
  }
  fail("expected the parts of a sparse tensor");
}

// (function, class, arguments, state)
Node PickleReader::rebuild_from_type(const Values& args) {
  if (args.size() != 4 || args[0].is != Is::kGlobal || args[1].is != Is::kGlobal)
    fail("expected the arguments of torch._tensor._rebuild_from_type_v2");
  const Global cls = args[1].global.global;
  const Global function = args[0].global.global;
  if (cls != Global::kTensor && cls != Global::kParameter && cls != Global::kBuffer)
    fail("expected a tensor, parameter or buffer");
  // One level only: a function that were this one again would let the file choose the depth.
  if (function == Global::kRebuildFromTypeV2) fail("rebuilds a tensor from a tensor's type twice");
  const Node tensor = rebuild(function, items_of(args[2], "a tensor's arguments"));
  if (doc_.kind(tensor) != Kind::kTensor) fail("gives attributes to a sparse tensor");
  add_tensor_state(tensor, args[3]);
  return tensor;
}

// A dict, or (dict or None, slots or None).
void PickleReader::add_tensor_state(Node tensor, const Value& state) {
  const Node node = node_of(state, "a tensor's attributes");
  if (doc_.kind(node) == Kind::kDict) return add_state(tensor, node);
  if (doc_.kind(node) == Kind::kNone) return;
  if (doc_.kind(node) != Kind::kTuple || doc_.size(node) != 2)
    fail("expected a tensor's attributes");
  for (size_t i = 0; i < 2; ++i)
    if (doc_.kind(doc_.item(node, i)) != Kind::kNone) add_state(tensor, doc_.item(node, i));
}

}  // namespace cooper4j
