// Objects of classes that are not on the list. The reader goes on past them, so that a refusal
// names all of them, and so that what stands beside them can be had.
#include <algorithm>

#include "checkpoint/document/tree_walk.h"
#include "checkpoint/pickle/reader.h"

namespace cooper4j {
namespace {

constexpr size_t kShownNames = 32;
constexpr size_t kShownPlaces = 8;

/// Tensors that are not read, by what torch rebuilds them with.
struct Unread {
  const char* name;
  const char* advice;
};

constexpr Unread kUnread[] = {
    {"torch._utils._rebuild_qtensor", "a quantised tensor; save its dequantize()"},
    {"torch._utils._rebuild_meta_tensor_no_storage", "a meta tensor, which has no values"},
    {"torch._utils._rebuild_nested_tensor", "a nested tensor; save its unbind()"},
    {"torch._utils._rebuild_wrapper_subclass", "a tensor of tensors; save its parts"},
};

std::string described(const std::string& cls) {
  for (const Unread& unread : kUnread)
    if (cls == unread.name) return unread.advice;
  return cls;
}

}  // namespace

bool PickleReader::is_opaque(const Value& value) const {
  if (value.is == Is::kGlobal) return value.global.global == Global::kOpaque;
  return value.is == Is::kNode && doc_.kind(value.index) == Kind::kOpaque;
}

/// A parameter around an object of an unknown class is such an object itself.
bool PickleReader::takes_opaque(Global function, const Values& args) const {
  switch (function) {
    case Global::kRebuildParameter:
    case Global::kRebuildParameterWithState:
    case Global::kRebuildFromTypeV2:
    case Global::kParameter:
    case Global::kNumpyReconstruct:
      return !args.empty() && is_opaque(args[0]);
    default:
      return false;
  }
}

// copyreg's functions make an object of the class that they are given.
Node PickleReader::opaque_call(const Value& function, const Value& args) {
  if (function.is == Is::kNode) return opaque(doc_.as_string(function.index));
  const std::string& name = names_[function.index];
  const bool maker = name.rfind("copy_reg.", 0) == 0 || name.rfind("copyreg.", 0) == 0;
  if (maker && args.is == Is::kMixedTuple) {
    const Value& cls = mixed_tuples_[args.index].items[0];
    if (cls.is == Is::kGlobal) return opaque(names_[cls.index]);
  }
  return opaque(name);
}

// A copy of the name, since it may stand in the table that grows.
Node PickleReader::opaque(std::string name) {
  stands_in_the_way(name);
  spend(name.size() / 16 + 1);
  return doc_.opaque(name);
}

void PickleReader::stands_in_the_way(const std::string& name) {
  if (known_in_the_way_.insert(name).second) in_the_way_.push_back({name, opcode_at_});
}

void PickleReader::require_nothing_opaque() const {
  if (options_.opaque || in_the_way_.empty()) return;
  std::string text = std::string(place_.name) + ": names ";
  for (size_t i = 0; i < in_the_way_.size(); ++i) {
    if (i == kShownNames) {
      text += ", …";
      break;
    }
    text += (i > 0 ? ", " : "") + in_the_way_[i].name;
    if (doc_.root() == kNoNode) text += " at byte " + std::to_string(in_the_way_[i].at);
  }
  text += in_the_way_.size() == 1 ? ", which is" : ", which are";
  text += " not on the list of what checkpoints may hold";
  bool whole = false;
  if (doc_.root() != kNoNode) {
    whole = doc_.kind(doc_.root()) == Kind::kOpaque;
    TreeWalk walk(doc_);
    size_t places = 0;
    for (Node node = walk.next(); node != kNoNode && places < kShownPlaces; node = walk.next())
      if (doc_.kind(node) == Kind::kOpaque)
        text +=
            (places++ > 0 ? ", " : ": ") + walk.path() + " is " + described(doc_.as_string(node));
  }
  constexpr const char* kInPython =
      ": if you trust the file, load it in Python and save plain values, as the state_dict() of a "
      "model or vars() of an object";
  if (doc_.root() == kNoNode)
    throw CheckpointError(text + ", and what comes after needs it" + kInPython);
  if (whole) throw CheckpointError(text + ". The file is that object as a whole" + kInPython);
  throw CheckpointError(
      text +
      ". To have what is beside it, load with the option opaque (LoadOptions; --opaque of the "
      "commands), which runs nothing either; or save plain values in Python, as vars(args)");
}

}  // namespace cooper4j
