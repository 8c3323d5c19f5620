#include <cstdio>
#include <cstring>
#include <sstream>

#include "checkpoint/document/budget.h"
#include "checkpoint/document/elements.h"
#include "checkpoint/document/extent.h"
#include "checkpoint/document/json_text.h"
#include "checkpoint/document/tree_walk.h"
#include "checkpoint/inspect/inspect.h"
#include "checkpoint/inspect/output.h"
#include "cooper4j/checkpoint.h"

namespace cooper4j {
namespace {

constexpr size_t kShown = 6;     // of the items of a list or the values of a tensor
constexpr size_t kMaxText = 60;  // bytes of a str

std::string format(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

template <typename T>
std::string format_values(const std::string& bytes) {
  std::string text;
  for (size_t at = 0; at + sizeof(T) <= bytes.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, &bytes[at], sizeof(T));
    text += at > 0 ? ", " : "";
    if constexpr (std::is_integral_v<T>)
      text += std::to_string(value);
    else
      text += format(value);
  }
  return text;
}

/// The values of a tensor with few of them, where C++ has a number of its type.
std::string values_of(const Document& doc, const TensorInfo& info) {
  const uint64_t count = logical_bytes(info) / dtype_size(info.dtype);
  if (count == 0 || count > kShown) return "";
  std::string bytes;
  for_each_piece(doc, info, [&](std::string_view piece) { bytes += piece; });
  switch (info.dtype) {
    case Dtype::kFloat64:
      return format_values<double>(bytes);
    case Dtype::kFloat32:
      return format_values<float>(bytes);
    case Dtype::kInt64:
      return format_values<int64_t>(bytes);
    case Dtype::kInt32:
      return format_values<int32_t>(bytes);
    case Dtype::kUInt8:
    case Dtype::kBool:
      return format_values<uint8_t>(bytes);
    default:
      return "";
  }
}

std::string describe_tensor(const Document& doc, Node node) {
  const TensorInfo& info = doc.as_tensor(node);
  std::string text = std::string(dtype_name(info.dtype)) + " " + format_sizes(info.sizes) + ", " +
                     format_bytes(logical_bytes(info));
  if (info.parameter) text += ", parameter";
  if (info.requires_grad) text += ", requires grad";
  if (doc.storage(info.storage).nbytes > logical_bytes(info)) text += ", a view";
  const std::string values = values_of(doc, info);
  return values.empty() ? text : text + ": " + values;
}

std::string in_quotes(std::string_view text) {
  std::string out;
  append_json_string(out, text.substr(0, kMaxText));
  return text.size() > kMaxText ? out + "…" : out;
}

bool is_container(Kind kind) {
  return kind == Kind::kTuple || (has_identity(kind) && kind != Kind::kByteArray &&
                                  kind != Kind::kTensor && kind != Kind::kOpaque);
}

std::string describe_size(const Document& doc, Node node) {
  if (doc.size(node) <= kMaxDims) return format_sizes(doc.as_size(node));
  return "(" + std::to_string(doc.size(node)) + ")";
}

std::string describe(const Document& doc, Node node) {
  const Kind kind = doc.kind(node);
  switch (kind) {
    case Kind::kNone:
      return "None";
    case Kind::kBool:
      return doc.as_bool(node) ? "True" : "False";
    case Kind::kInt:
    case Kind::kBigInt:
      return doc.decimal(node);
    case Kind::kFloat:
      return format(doc.as_double(node));
    case Kind::kComplex:
      return format(doc.as_complex(node).real()) + " + " + format(doc.as_complex(node).imag()) +
             "j";
    case Kind::kStr:
      return in_quotes(doc.as_string(node));
    case Kind::kBytes:
    case Kind::kByteArray:
      return std::string(kind_name(kind)) + ", " + format_bytes(doc.as_string(node).size());
    case Kind::kDevice:
    case Kind::kLayout:
      return std::string(kind_name(kind)) + " " + doc.as_string(node);
    case Kind::kDtype:
      return std::string("torch.") + dtype_name(doc.as_dtype(node));
    case Kind::kSize:
      return "torch.Size " + describe_size(doc, node);
    case Kind::kEnum:
      return doc.as_string(node) + "(" + describe(doc, doc.enum_value(node)) + ")";
    case Kind::kOpaque:
      return std::string(kind_name(kind)) + " " + doc.as_string(node);
    case Kind::kTensor:
      return describe_tensor(doc, node);
    case Kind::kSparseCoo:
      return std::string(kind_name(kind)) + " " + format_sizes(doc.as_sparse(node).sizes);
    case Kind::kSparseCsr:
      return doc.as_sparse(node).layout + " " + format_sizes(doc.as_sparse(node).sizes);
    default:
      return std::string(kind_name(kind)) + " (" + std::to_string(doc.size(node)) + ")";
  }
}

/// A list of plain values in one line; "" if it holds a container or a tensor.
std::string plain_items(const Document& doc, Node node) {
  const Kind kind = doc.kind(node);
  if (kind != Kind::kList && kind != Kind::kTuple && kind != Kind::kSet) return "";
  std::string text;
  for (size_t i = 0; i < doc.size(node); ++i) {
    const Node item = doc.item(node, i);
    if (is_container(doc.kind(item)) || doc.kind(item) == Kind::kTensor) return "";
    if (i < kShown) text += (i > 0 ? ", " : "") + describe(doc, item);
    if (i == kShown) text += ", …";
  }
  return text;
}

/// The steps that a line takes beyond its length.
uint64_t describe_work(const Document& doc, Node node) {
  switch (doc.kind(node)) {
    case Kind::kBigInt:
      return decimal_work(doc.big_integer_bytes(node).size());
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kSet:
      return doc.size(node);
    default:
      return 1;
  }
}

}  // namespace

void text_tree(const Document& doc, std::ostream* stream) {
  Budget budget = doc.budget();
  Output out(stream, budget);
  std::vector<bool> seen(doc.node_count());
  TreeWalk walk(doc);
  for (Node node = walk.next(); node != kNoNode; node = walk.next()) {
    if (walk.at_key()) {
      walk.skip();
      continue;
    }
    budget.work(describe_work(doc, node), "showing its values");
    out.spaces(2 * walk.depth() + 2);
    if (walk.depth() > 0) {
      out.add(walk.label());
      out.add(": ");
    }
    out.add(describe(doc, node));
    const Kind kind = doc.kind(node);
    if (has_identity(kind) && seen[node]) {
      out.add(", the same object as above\n");
      continue;
    }
    seen[node] = true;
    const std::string items = plain_items(doc, node);
    if (!items.empty()) {
      out.add(": ");
      out.add(items);
    }
    if (!items.empty() || kind == Kind::kEnum) walk.skip();
    out.add("\n");
  }
  out.flush();
}

std::string format_bytes(uint64_t count) {
  const char* const units[] = {"B", "kB", "MB", "GB", "TB"};
  size_t unit = 0;
  double value = static_cast<double>(count);
  for (; value >= 1000 && unit < 4; ++unit) value /= 1000;
  std::ostringstream out;
  out.precision(unit == 0 ? 6 : 3);
  out << value << ' ' << units[unit];
  return out.str();
}

}  // namespace cooper4j
