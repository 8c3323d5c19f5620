#include <algorithm>
#include <stdexcept>

#include "cooper4j/document.h"

namespace cooper4j {
namespace {

constexpr uint64_t kNineDigits = 1'000'000'000;
constexpr size_t kNamedKeys = 8;  // keys that a message about a missing one lists

bool is_dict_kind(Kind kind) {
  return kind == Kind::kDict || kind == Kind::kOrderedDict || kind == Kind::kCounter ||
         kind == Kind::kDefaultDict;
}

void require_index(size_t index, size_t count) {
  if (index >= count)
    throw std::invalid_argument("expected an index below " + std::to_string(count) + ", found " +
                                std::to_string(index));
}

}  // namespace

const Document::Record& Document::record(Node node) const {
  if (node >= nodes_.size())
    throw std::invalid_argument("node " + std::to_string(node) + " is not of this document of " +
                                std::to_string(nodes_.size()) + " nodes");
  return nodes_[node];
}

void Document::mismatch(const std::string& expected, Node node) const {
  throw std::invalid_argument("expected " + expected + ", found " + kind_name(kind(node)));
}

const Document::Record& Document::expect(Node node, Kind kind) const {
  const Record& r = record(node);
  if (r.kind != kind) mismatch(kind_name(kind), node);
  return r;
}

bool Document::is_dict(Node node) const { return is_dict_kind(record(node).kind); }

const Document::Mapping& Document::dict_mapping(Node node) const {
  const Record& r = record(node);
  if (!is_dict_kind(r.kind)) mismatch("dict", node);
  return mappings_[r.index];
}

const std::vector<Node>& Document::sequence(Node node) const {
  const Record& r = record(node);
  if (r.kind != Kind::kList && r.kind != Kind::kTuple && r.kind != Kind::kSize)
    mismatch("list or tuple", node);
  return sequences_[r.index];
}

Kind Document::kind(Node node) const { return record(node).kind; }

bool Document::as_bool(Node node) const { return expect(node, Kind::kBool).integer != 0; }

int64_t Document::as_int(Node node) const { return expect(node, Kind::kInt).integer; }

double Document::as_double(Node node) const {
  const Record& r = record(node);
  if (r.kind == Kind::kInt) return static_cast<double>(r.integer);
  if (r.kind != Kind::kFloat) mismatch("float or int", node);
  return r.number;
}

std::complex<double> Document::as_complex(Node node) const {
  const Record& r = record(node);
  if (r.kind == Kind::kComplex) return complexes_[r.index];
  if (r.kind == Kind::kBool) return static_cast<double>(r.integer);
  return as_double(node);
}

const std::string& Document::as_string(Node node) const {
  const Record& r = record(node);
  switch (r.kind) {
    case Kind::kStr:
    case Kind::kBytes:
    case Kind::kByteArray:
    case Kind::kDevice:
    case Kind::kLayout:
    case Kind::kEnum:
    case Kind::kOpaque:
      return texts_[r.index];
    default:
      mismatch("str", node);
  }
}

const std::string& Document::big_integer_bytes(Node node) const {
  return texts_[expect(node, Kind::kBigInt).index];
}

std::string Document::decimal(Node node) const {
  if (kind(node) == Kind::kInt) return std::to_string(as_int(node));
  const std::string& bytes = big_integer_bytes(node);
  const bool negative = bytes.back() & 0x80;
  // Limbs of 32 bits, the lowest first; a magnitude of n bytes may need a bit more than n bytes.
  std::vector<uint32_t> limbs(bytes.size() / 4 + 1, 0);
  unsigned carry = negative ? 1 : 0;
  for (size_t i = 0; i < 4 * limbs.size(); ++i) {
    const unsigned char byte = i < bytes.size() ? static_cast<unsigned char>(bytes[i])
                               : negative       ? 0xFF
                                                : 0;
    carry += negative ? static_cast<unsigned char>(~byte) : byte;
    limbs[i / 4] |= static_cast<uint32_t>(carry & 0xFF) << 8 * (i % 4);
    carry >>= 8;
  }
  std::string digits;
  while (!limbs.empty()) {
    uint64_t remainder = 0;
    for (size_t i = limbs.size(); i-- > 0;) {
      remainder = remainder << 32 | limbs[i];
      limbs[i] = static_cast<uint32_t>(remainder / kNineDigits);
      remainder %= kNineDigits;
    }
    while (!limbs.empty() && limbs.back() == 0) limbs.pop_back();
    for (int i = 0; i < 9; ++i, remainder /= 10)
      digits.push_back(static_cast<char>('0' + remainder % 10));
  }
  while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
  if (negative) digits.push_back('-');
  std::reverse(digits.begin(), digits.end());
  return digits;
}

Dtype Document::as_dtype(Node node) const {
  return static_cast<Dtype>(expect(node, Kind::kDtype).index);
}

Node Document::enum_value(Node node) const { return expect(node, Kind::kEnum).child; }

std::vector<int64_t> Document::as_size(Node node) const {
  std::vector<int64_t> sizes;
  for (Node item : sequences_[expect(node, Kind::kSize).index]) sizes.push_back(as_int(item));
  return sizes;
}

size_t Document::size(Node node) const {
  const Record& r = record(node);
  if (is_dict_kind(r.kind) || r.kind == Kind::kSet) return mappings_[r.index].entries.size() / 2;
  return sequence(node).size();
}

Node Document::item(Node node, size_t i) const {
  const Record& r = record(node);
  const bool set = r.kind == Kind::kSet;
  const std::vector<Node>& items = set ? mappings_[r.index].entries : sequence(node);
  require_index(i, set ? items.size() / 2 : items.size());
  return items[set ? 2 * i : i];
}

Node Document::key(Node node, size_t i) const {
  const Mapping& in = dict_mapping(node);
  require_index(i, in.entries.size() / 2);
  return in.entries[2 * i];
}

Node Document::value(Node node, size_t i) const {
  const Mapping& in = dict_mapping(node);
  require_index(i, in.entries.size() / 2);
  return in.entries[2 * i + 1];
}

Node Document::at(Node dict, std::string_view key) const {
  const Node found = find(dict, key);
  if (found != kNoNode) return found;
  std::string text = "expected the key '" + std::string(key) + "', found";
  const size_t count = size(dict);
  if (count == 0) text += " an empty " + std::string(kind_name(kind(dict)));
  for (size_t i = 0; i < count && i < kNamedKeys; ++i) {
    const Node k = this->key(dict, i);
    text += i ? ", " : " ";
    text += kind(k) == Kind::kStr   ? "'" + as_string(k) + "'"
            : kind(k) == Kind::kInt ? decimal(k)
                                    : kind_name(kind(k));
  }
  throw std::invalid_argument(text + (count > kNamedKeys ? ", …" : ""));
}

Node Document::attrs(Node node) const {
  const Record& r = record(node);
  if (r.kind == Kind::kOrderedDict) return mappings_[r.index].attrs;
  if (r.kind == Kind::kTensor) return tensors_[r.index].attrs;
  mismatch("OrderedDict or Tensor", node);
}

const TensorInfo& Document::as_tensor(Node node) const {
  return tensors_[expect(node, Kind::kTensor).index];
}

const SparseInfo& Document::as_sparse(Node node) const {
  const Record& r = record(node);
  if (r.kind != Kind::kSparseCoo && r.kind != Kind::kSparseCsr) mismatch("sparse tensor", node);
  return sparse_[r.index];
}

const Storage& Document::storage(uint32_t index) const {
  if (index >= storages_.size())
    throw std::invalid_argument("storage " + std::to_string(index) +
                                " is not of this document of " + std::to_string(storages_.size()) +
                                " storages");
  return storages_[index];
}

Storage& Document::storage(uint32_t index) {
  return const_cast<Storage&>(static_cast<const Document&>(*this).storage(index));
}

}  // namespace cooper4j
