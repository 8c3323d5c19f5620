#include "cooper4j/safetensors.h"

#include <algorithm>
#include <unordered_set>

#include "checkpoint/document/budget.h"
#include "checkpoint/document/elements.h"
#include "checkpoint/document/extent.h"
#include "checkpoint/document/hash.h"
#include "checkpoint/document/json_text.h"
#include "checkpoint/document/storage_memory.h"
#include "checkpoint/document/tree_walk.h"
#include "checkpoint/safetensors/header.h"
#include "checkpoint/safetensors/safetensors.h"
#include "checkpoint/zip/atomic_file.h"
#include "checkpoint/zip/byte_source.h"
#include "checkpoint/zip/file_kind.h"
#include "checkpoint/zip/little_endian.h"

namespace cooper4j {
namespace {

constexpr uint64_t kMaxHeader = 100'000'000;
constexpr uint64_t kNameMemory = 160;  // a name, its place among the names, and what it names
constexpr uint64_t kEscaped = 6;       // bytes that JSON takes for one
constexpr const char* kAttribute = "safetensors_metadata";

struct DtypeRow {
  const char* name;
  Dtype dtype;
};

// In the order of the format's own table: writers put wider types first by it.
constexpr DtypeRow kDtypes[] = {
    {"BOOL", Dtype::kBool},
    {"F4", Dtype::kFloat4E2M1FnX2},
    {"U8", Dtype::kUInt8},
    {"I8", Dtype::kInt8},
    {"F8_E5M2", Dtype::kFloat8E5M2},
    {"F8_E4M3", Dtype::kFloat8E4M3Fn},
    {"F8_E8M0", Dtype::kFloat8E8M0Fnu},
    {"F8_E4M3FNUZ", Dtype::kFloat8E4M3Fnuz},
    {"F8_E5M2FNUZ", Dtype::kFloat8E5M2Fnuz},
    {"I16", Dtype::kInt16},
    {"U16", Dtype::kUInt16},
    {"F16", Dtype::kFloat16},
    {"BF16", Dtype::kBFloat16},
    {"I32", Dtype::kInt32},
    {"U32", Dtype::kUInt32},
    {"F32", Dtype::kFloat32},
    {"C64", Dtype::kComplex64},
    {"F64", Dtype::kFloat64},
    {"I64", Dtype::kInt64},
    {"U64", Dtype::kUInt64},
};

const DtypeRow* row_of(Dtype dtype) {
  for (const DtypeRow& row : kDtypes)
    if (row.dtype == dtype) return &row;
  return nullptr;
}

const DtypeRow* row_of(const std::string& name) {
  for (const DtypeRow& row : kDtypes)
    if (name == row.name) return &row;
  return nullptr;
}

std::vector<int64_t> contiguous_strides(const std::vector<int64_t>& sizes) {
  std::vector<int64_t> strides(sizes.size());
  int64_t stride = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= std::max<int64_t>(sizes[i], 1);
  }
  return strides;
}

/// The bytes of all tensors follow each other without gap or overlap, up to the end of the file.
void check_layout(const SafeTensorsHeader& header, uint64_t data_size) {
  std::vector<const SafeTensor*> order;
  for (const SafeTensor& tensor : header.tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const SafeTensor* a, const SafeTensor* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  uint64_t end = 0;
  for (const SafeTensor* tensor : order) {
    if (tensor->begin != end || tensor->end < tensor->begin)
      throw CheckpointError("tensor '" + tensor->name + "' lies at [" +
                            std::to_string(tensor->begin) + ", " + std::to_string(tensor->end) +
                            "), expected it to begin at " + std::to_string(end));
    end = tensor->end;
  }
  if (end != data_size)
    throw CheckpointError("has " + std::to_string(data_size) + " bytes of data, its tensors take " +
                          std::to_string(end));
}

TensorInfo describe(const SafeTensor& tensor) {
  const DtypeRow* row = row_of(tensor.dtype);
  if (row == nullptr)
    throw CheckpointError("tensor '" + tensor.name + "' has the unknown dtype '" + tensor.dtype +
                          "'");
  TensorInfo info;
  info.dtype = row->dtype;
  info.sizes = tensor.shape;
  if (info.dtype == Dtype::kFloat4E2M1FnX2) {
    // The format counts numbers, torch the bytes that hold two of them.
    if (info.sizes.empty() || info.sizes.back() % 2 != 0)
      throw CheckpointError("tensor '" + tensor.name + "' of shape " + format_sizes(info.sizes) +
                            " has half a byte of F4 at an end");
    info.sizes.back() /= 2;
  }
  const int64_t elements = require_elements(info.sizes);
  const uint64_t size = dtype_size(info.dtype);
  const uint64_t bytes = tensor.end - tensor.begin;
  if (static_cast<uint64_t>(elements) > bytes / size || elements * size != bytes)
    throw CheckpointError("tensor '" + tensor.name + "' of shape " + format_sizes(info.sizes) +
                          " and dtype " + tensor.dtype + " has " + std::to_string(bytes) +
                          " bytes");
  info.strides = contiguous_strides(info.sizes);
  return info;
}

/// Files of other formats are called what they are.
void require_no_other_kind(const ByteSource& file) {
  const bool cut = file.size() > 0 && file.size() <= 8;  // no more than the length of a header
  if (cut || is_safetensors(file)) return;
  const std::string other = other_kind(file);
  if (!other.empty()) throw CheckpointError(other);
  if (is_torch_zip(file))
    throw CheckpointError(
        "is a checkpoint of torch.save, which Checkpoint.load reads (load in C++)");
}

Document read(const ByteSource& file, const LoadOptions& options) {
  require_no_other_kind(file);
  Document document{Budget(file.size(), options.limit)};
  Budget& budget = document.budget();
  const std::string length = file.read_string(0, 8);
  const uint64_t header_size = get_le<uint64_t>(length.data());
  if (header_size > kMaxHeader)
    throw CheckpointError(
        length.compare(0, 2, "PK") == 0
            ? "starts as a zip file does, such as a file of torch.save that was cut off; "
              "safetensors files start with their header's length"
            : "is no safetensors file: it would have a header of " + std::to_string(header_size) +
                  " bytes, more than the 100 MB of the format");
  budget.hold(header_size, "holding its header");
  const SafeTensorsHeader header =
      parse_safetensors_header(file.read_string(8, static_cast<size_t>(header_size)), budget);
  budget.release(header_size);
  const uint64_t data = 8 + header_size;
  check_layout(header, file.size() - data);
  std::vector<TensorInfo> infos;
  for (const SafeTensor& tensor : header.tensors) infos.push_back(describe(tensor));

  const Node root = document.ordered_dict();
  for (size_t i = 0; i < infos.size(); ++i) {
    const SafeTensor& tensor = header.tensors[i];
    Storage storage;
    storage.nbytes = tensor.end - tensor.begin;
    storage.dtype = infos[i].dtype;
    if (!options.map_location.empty()) storage.location = options.map_location;
    budget.hold(storage.nbytes, "holding its tensors");
    storage.data = allocate_storage(storage.nbytes);
    file.read(data + tensor.begin, storage.data.get(), storage.nbytes);
    infos[i].storage = document.add_storage(std::move(storage));
    document.put(root, tensor.name, document.tensor(std::move(infos[i])));
  }
  if (!header.metadata.empty()) {
    const Node metadata = document.dict();
    for (const auto& [key, value] : header.metadata)
      document.put(metadata, key, document.str(value));
    document.set_attr(root, kAttribute, metadata);
  }
  document.set_root(root);
  return document;
}

struct Named {
  std::string name;
  Node node;
  size_t rank;  // of its dtype in the table
};

/// Whether it is what torch.nn.Module.get_extra_state gave, which need not be a tensor.
bool is_extra_state(const std::string& key) {
  constexpr std::string_view kName = "_extra_state";
  if (key.size() < kName.size()) return false;
  const size_t at = key.size() - kName.size();
  return key.compare(at, kName.size(), kName) == 0 && (at == 0 || key[at - 1] == '.');
}

/// The tensors below a dict by dotted name; a stack of its own, since a tree may be deep. An extra
/// state that is no tensor goes to `left_out`, if that is given.
std::vector<Named> tensors_below(const Document& doc, Node root, Budget& budget,
                                 std::vector<std::string>* left_out) {
  std::vector<Named> found;
  std::vector<std::pair<std::string, Node>> open = {{"", root}};
  std::unordered_set<Node> opened;
  std::unordered_set<std::string, SeededHash> names;
  while (!open.empty()) {
    const auto [prefix, dict] = open.back();
    open.pop_back();
    if (!opened.insert(dict).second)
      throw std::invalid_argument(shortened(prefix) + ": is reached twice");
    for (size_t i = 0; i < doc.size(dict); ++i) {
      const Node key = doc.key(dict, i);
      const Node value = doc.value(dict, i);
      if (doc.kind(key) != Kind::kStr)
        throw std::invalid_argument((prefix.empty() ? "the root" : shortened(prefix)) +
                                    ": expected names as keys, found " + kind_name(doc.kind(key)));
      budget.hold(kNameMemory + 2 * (prefix.size() + doc.as_string(key).size()), "joining names");
      const std::string name = prefix + doc.as_string(key);
      if (left_out != nullptr && doc.kind(value) != Kind::kTensor &&
          is_extra_state(doc.as_string(key))) {
        left_out->push_back(name);
        continue;
      }
      if (doc.is_dict(value)) {
        open.emplace_back(name + ".", value);
        continue;
      }
      if (doc.kind(value) != Kind::kTensor)
        throw std::invalid_argument(shortened(name) + ": safetensors holds dense tensors, found " +
                                    kind_name(doc.kind(value)) + "; choose a part with a key");
      const DtypeRow* row = row_of(doc.as_tensor(value).dtype);
      if (row == nullptr)
        throw std::invalid_argument(shortened(name) + ": safetensors has no dtype " +
                                    dtype_name(doc.as_tensor(value).dtype));
      if (name == "__metadata__" || !names.insert(name).second)
        throw std::invalid_argument(shortened(name) +
                                    ": cannot be the name of a tensor, or names two");
      found.push_back({name, value, static_cast<size_t>(row - kDtypes)});
    }
  }
  std::sort(found.begin(), found.end(), [](const Named& a, const Named& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.name < b.name;
  });
  return found;
}

void append_string(std::string& json, const std::string& text, Budget& budget) {
  budget.hold(kEscaped * text.size(), "writing the header");
  append_json_string(json, text);
  if (json.size() > kMaxHeader)
    throw std::invalid_argument("the names take more than the 100 MB of a safetensors header");
}

void append_metadata(std::string& json, const Document& doc, Node root, Budget& budget) {
  const Node attrs = doc.kind(root) == Kind::kOrderedDict ? doc.attrs(root) : kNoNode;
  const Node metadata = attrs == kNoNode ? kNoNode : doc.find(attrs, kAttribute);
  if (metadata == kNoNode) return;
  json += "\"__metadata__\":{";
  for (size_t i = 0; i < doc.size(metadata); ++i) {
    if (i > 0) json += ",";
    append_string(json, doc.as_string(doc.key(metadata, i)), budget);
    json += ":";
    append_string(json, doc.as_string(doc.value(metadata, i)), budget);
  }
  json += "}";
}

std::string header_json(const Document& doc, Node root, const std::vector<Named>& tensors,
                        Budget& budget) {
  std::string json = "{";
  append_metadata(json, doc, root, budget);
  uint64_t at = 0;
  for (const Named& tensor : tensors) {
    const TensorInfo& info = doc.as_tensor(tensor.node);
    if (json.size() > 1) json += ",";
    append_string(json, tensor.name, budget);
    json += std::string(":{\"dtype\":\"") + kDtypes[tensor.rank].name + "\",\"shape\":[";
    const int64_t packed = info.dtype == Dtype::kFloat4E2M1FnX2 ? 2 : 1;
    for (size_t i = 0; i < info.sizes.size(); ++i)
      json += (i > 0 ? "," : "") +
              std::to_string(info.sizes[i] * (i + 1 == info.sizes.size() ? packed : 1));
    json += "],\"data_offsets\":[" + std::to_string(at) + ",";
    if (__builtin_add_overflow(at, logical_bytes(info), &at))
      throw std::invalid_argument("the tensors take more than 2^64 bytes");
    json += std::to_string(at) + "]}";
  }
  json += "}";
  json.append((8 - json.size() % 8) % 8, ' ');
  budget.write(json.size() + 8, "writing the header");
  return json;
}

/// A file of which everything is known to fit the format.
class Writer {
 public:
  Writer(const Document& document, Node root, std::vector<std::string>* left_out) : doc_(document) {
    if (!document.is_dict(root))
      throw std::invalid_argument(std::string("safetensors holds a dict of tensors, found ") +
                                  kind_name(document.kind(root)));
    Budget budget = document.budget();
    tensors_ = tensors_below(document, root, budget, left_out);
    header_ = header_json(document, root, tensors_, budget);
    for (const Named& tensor : tensors_)
      charge_pieces(document.as_tensor(tensor.node), budget,
                    "writing out " + shortened(tensor.name));
  }

  void write(ByteSink& sink) const {
    std::string length;
    put_le<uint64_t>(length, header_.size());
    sink.write(length);
    sink.write(header_);
    for (const Named& tensor : tensors_)
      for_each_piece(doc_, doc_.as_tensor(tensor.node),
                     [&](std::string_view piece) { sink.write(piece); });
  }

 private:
  const Document& doc_;
  std::vector<Named> tensors_;
  std::string header_;
};

}  // namespace

Document load_safetensors(const std::filesystem::path& path, const LoadOptions& options) {
  try {
    return read(FileSource(path), options);
  } catch (const std::bad_alloc&) {
    throw CheckpointError(path.u8string() + ": needs more memory than there is");
  } catch (const std::exception& e) {
    throw CheckpointError(path.u8string() + ": " + e.what());
  }
}

Document load_safetensors_bytes(std::string_view file, const LoadOptions& options) {
  return read(MemorySource(file), options);
}

void save_safetensors(const std::filesystem::path& path, const Document& document, Node root) {
  save_safetensors(path, document, root, nullptr);
}

void save_safetensors(std::ostream& out, const Document& document, Node root) {
  const Writer writer(document, root, nullptr);
  StreamSink sink(out);
  writer.write(sink);
}

void save_safetensors(const std::filesystem::path& path, const Document& document, Node root,
                      std::vector<std::string>* left_out) {
  const Writer writer(document, root, left_out);
  AtomicFile file(path);
  writer.write(file);
  file.commit();
}

}  // namespace cooper4j
