// What makes two dict keys the same one in Python: 1, 1.0 and True are, a tuple and a torch.Size
// of the same numbers are; two tensors or two NaNs are only if they are one object.
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "checkpoint/document/budget.h"
#include "checkpoint/document/hash.h"
#include "cooper4j/document.h"

namespace cooper4j {
namespace {

constexpr const char* kComparing = "comparing keys";
constexpr const char* kKeys = "holding its keys";
constexpr uint32_t kAbsent = UINT32_MAX;
constexpr size_t kIndexFrom = 16;     // dicts this large find their keys through a hash table
constexpr size_t kMaxKeyWork = 4096;  // nodes compared for one key: nested tuples can share theirs

uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }

uint64_t not_zero(uint64_t hash) { return hash == 0 ? 1 : hash; }

bool whole(double value) {
  return value == std::floor(value) && value >= -9223372036854775808.0 &&
         value < 9223372036854775808.0;
}

}  // namespace

uint64_t Document::hash_text(Kind kind, std::string_view text) const {
  return not_zero(hash_bytes(seed_ + static_cast<uint64_t>(kind), text));
}

uint64_t Document::hash_integer(int64_t value) const {
  return not_zero(mix(mix(seed_, seed_ ^ static_cast<uint64_t>(value)), seed_ + 51));
}

uint64_t Document::hash_number(double value) const {
  if (whole(value)) return hash_integer(static_cast<int64_t>(value));
  uint64_t bits;
  std::memcpy(&bits, &value, 8);
  return not_zero(mix(mix(seed_ + 52, seed_ ^ bits), seed_));
}

uint64_t Document::hash_items(const std::vector<Node>& items) const {
  uint64_t hash = mix(seed_ + 53, items.size());
  for (Node item : items) {
    const uint64_t part = hash_of(item);
    if (part == 0) return 0;
    hash = mix(hash ^ seed_, part);
  }
  return not_zero(hash);
}

// Of what equals nothing but itself.
uint64_t Document::hash_object(Node key) const {
  return not_zero(mix(mix(seed_ + 50, seed_ ^ key), seed_));
}

uint64_t Document::hash_of(Node key) const {
  const Record& r = record(key);
  switch (r.kind) {
    case Kind::kNone:
      return not_zero(mix(seed_ + 54, seed_));
    case Kind::kBool:
    case Kind::kInt:
      return hash_integer(r.integer);
    case Kind::kFloat:
      return std::isnan(r.number) ? hash_object(key) : hash_number(r.number);
    case Kind::kComplex: {
      const std::complex<double> value = complexes_[r.index];
      if (std::isnan(value.real()) || std::isnan(value.imag())) return hash_object(key);
      const uint64_t real = hash_number(value.real());
      return value.imag() == 0 ? real : not_zero(mix(real ^ seed_, hash_number(value.imag())));
    }
    case Kind::kEnum: {
      const uint64_t value = hash_of(r.child);
      return value == 0 ? 0 : not_zero(mix(hash_text(Kind::kEnum, texts_[r.index]) ^ seed_, value));
    }
    case Kind::kStr:
    case Kind::kBytes:
    case Kind::kBigInt:
    case Kind::kDevice:
    case Kind::kLayout:
    case Kind::kDtype:
    case Kind::kTuple:
    case Kind::kSize:
      return r.hash;
    case Kind::kTensor:
    case Kind::kSparseCoo:
    case Kind::kSparseCsr:
    case Kind::kOpaque:
      return hash_object(key);
    default:
      return 0;
  }
}

uint64_t Document::hash_key(Node key) const {
  const uint64_t hash = hash_of(key);
  if (hash == 0) mismatch("a hashable key (str, int, tuple of such, …)", key);
  return hash;
}

bool Document::same_key(Node first, Node second) const {
  std::vector<std::pair<Node, Node>> pending = {{first, second}};
  size_t work = 0;
  while (!pending.empty()) {
    const auto [a, b] = pending.back();
    pending.pop_back();
    if (a == b) continue;
    if (hash_of(a) != hash_of(b)) return false;
    budget_->work(1, kComparing);
    if (++work > kMaxKeyWork)
      throw std::invalid_argument("a dict key nests more than " + std::to_string(kMaxKeyWork) +
                                  " values");
    const Record& x = record(a);
    const Record& y = record(b);
    const auto sequence_like = [](Kind k) { return k == Kind::kTuple || k == Kind::kSize; };
    const auto numeric = [](Kind k) {
      return k == Kind::kBool || k == Kind::kInt || k == Kind::kFloat || k == Kind::kComplex;
    };
    if (sequence_like(x.kind) && sequence_like(y.kind)) {
      const std::vector<Node>& left = sequences_[x.index];
      const std::vector<Node>& right = sequences_[y.index];
      if (left.size() != right.size()) return false;
      budget_->work(left.size() / 4, kComparing);
      for (size_t i = 0; i < left.size(); ++i)
        if (left[i] != right[i]) pending.emplace_back(left[i], right[i]);
    } else if (numeric(x.kind) && numeric(y.kind)) {
      const bool integers = (x.kind == Kind::kInt || x.kind == Kind::kBool) &&
                            (y.kind == Kind::kInt || y.kind == Kind::kBool);
      if (integers ? x.integer != y.integer : as_complex(a) != as_complex(b)) return false;
    } else if (x.kind != y.kind || x.kind == Kind::kTensor || x.kind == Kind::kSparseCoo ||
               x.kind == Kind::kSparseCsr || x.kind == Kind::kOpaque) {
      return false;
    } else if (x.kind == Kind::kEnum) {
      if (texts_[x.index] != texts_[y.index]) return false;
      pending.emplace_back(x.child, y.child);
    } else if (x.kind == Kind::kDtype) {
      if (x.index != y.index) return false;
    } else if (x.kind != Kind::kNone) {
      budget_->work(texts_[x.index].size() / 64, kComparing);
      if (texts_[x.index] != texts_[y.index]) return false;
    }
  }
  return true;
}

template <typename Same>
uint32_t Document::find_entry(const Mapping& mapping, uint64_t hash, Same same) const {
  if (!mapping.slots.empty()) {
    const size_t mask = mapping.slots.size() - 1;
    for (size_t at = tag_of(hash) & mask;; at = (at + 1) & mask) {
      const Slot& slot = mapping.slots[at];
      if (slot.entry == kAbsent) return kAbsent;
      if (slot.tag == tag_of(hash) && same(mapping.entries[2 * size_t{slot.entry}]))
        return slot.entry;
    }
  }
  for (size_t i = 0; i < mapping.entries.size(); i += 2)
    if (hash_of(mapping.entries[i]) == hash && same(mapping.entries[i])) return i / 2;
  return kAbsent;
}

void Document::put_entry(Mapping& mapping, Node key, Node value) {
  const uint64_t hash = hash_key(key);
  const uint32_t found =
      find_entry(mapping, hash, [&](Node other) { return same_key(other, key); });
  if (found != kAbsent) {
    mapping.entries[2 * size_t{found} + 1] = value;
    return;
  }
  grow(mapping.entries, *budget_, kKeys, 2);
  mapping.entries.push_back(key);
  mapping.entries.push_back(value);
  const size_t count = mapping.entries.size() / 2;
  if (count > kIndexFrom) add_slot(mapping, hash, static_cast<uint32_t>(count - 1));
}

// At least a third of the slots stay free, so that probing ends soon.
void Document::add_slot(Mapping& mapping, uint64_t hash, uint32_t entry) {
  const auto fill = [&](Slot slot) {
    const size_t mask = mapping.slots.size() - 1;
    size_t at = slot.tag & mask;
    while (mapping.slots[at].entry != kAbsent) at = (at + 1) & mask;
    mapping.slots[at] = slot;
  };
  if (2 * mapping.slots.size() < 3 * (size_t{entry} + 1)) {
    const size_t size = mapping.slots.empty() ? 4 * kIndexFrom : 2 * mapping.slots.size();
    budget_->hold(size * sizeof(Slot), kKeys);
    const std::vector<Slot> old = std::move(mapping.slots);
    mapping.slots.assign(size, Slot{0, kAbsent});
    for (const Slot& slot : old)
      if (slot.entry != kAbsent) fill(slot);
    for (uint32_t i = 0; old.empty() && i < entry; ++i)
      fill({tag_of(hash_of(mapping.entries[2 * size_t{i}])), i});
    budget_->release(old.size() * sizeof(Slot));
  }
  fill({tag_of(hash), entry});
}

Node Document::find(Node dict, std::string_view key) const {
  const Mapping& in = dict_mapping(dict);
  const uint32_t found = find_entry(in, hash_text(Kind::kStr, key), [&](Node other) {
    const Record& r = record(other);
    return r.kind == Kind::kStr && texts_[r.index] == key;
  });
  return found == kAbsent ? kNoNode : in.entries[2 * size_t{found} + 1];
}

}  // namespace cooper4j
