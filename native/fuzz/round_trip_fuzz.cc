// A document built from the input, saved and loaded, is the same document.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <sstream>

#include "checkpoint/inspect/inspect.h"
#include "cooper4j/checkpoint.h"

namespace {

using cooper4j::Document;
using cooper4j::Node;

/// Takes choices from the input; zeros at its end.
class Choices {
 public:
  Choices(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  bool empty() const { return size_ == 0; }
  uint8_t byte() { return empty() ? 0 : (--size_, *data_++); }
  template <typename T>
  T number() {
    T value;
    char bytes[sizeof(T)];
    for (char& b : bytes) b = static_cast<char>(byte());
    std::memcpy(&value, bytes, sizeof(T));
    return value;
  }
  std::string text(bool ascii) {
    std::string text;
    for (size_t n = byte() % 20; n > 0; --n)
      text += static_cast<char>(byte() & (ascii ? 0x7F : 0xFF));
    return text;
  }

 private:
  const uint8_t* data_;
  size_t size_;
};

class Builder {
 public:
  Builder(Choices& choices, Document& document) : choices_(choices), doc_(document) {}

  Node build() {
    const Node root = doc_.dict();
    nodes_ = {root};
    while (!choices_.empty() && nodes_.size() < 200) {
      const Node made = make(choices_.byte() % 19);
      nodes_.push_back(made);
      attach(made);
    }
    return root;
  }

 private:
  Node any() { return nodes_[choices_.byte() % nodes_.size()]; }

  Node make(int choice) {
    switch (choice) {
      case 0:
        return doc_.none();
      case 1:
        return doc_.boolean(choices_.byte() & 1);
      case 2:
        return doc_.integer(choices_.number<int64_t>());
      case 3:
        return doc_.big_integer(choices_.text(false));
      case 4:
        return doc_.number(choices_.number<double>());
      case 5:
        return doc_.complex({choices_.number<double>(), choices_.number<double>()});
      case 6:
        return doc_.str(choices_.text(true));
      case 7:
        return doc_.bytes(choices_.text(false));
      case 8:
        return doc_.bytearray(choices_.text(false));
      case 9:
        return doc_.list();
      case 10:
        return doc_.tuple({doc_.integer(choices_.byte()), doc_.str(choices_.text(true))});
      case 11:
        return doc_.set({doc_.integer(choices_.byte()), doc_.str(choices_.text(true))});
      case 12:
        return doc_.ordered_dict();
      case 13:
        return doc_.counter();
      case 14:
        return doc_.size({choices_.byte(), choices_.byte()});
      case 15:
        return doc_.dtype(static_cast<cooper4j::Dtype>(choices_.byte() % 22));
      case 16:
        return doc_.device("cuda:" + std::to_string(choices_.byte() % 8));
      case 17:
        return doc_.layout("torch.sparse_coo");
      default:
        return tensor();
    }
  }

  Node tensor() {
    cooper4j::TensorInfo info;
    info.dtype = static_cast<cooper4j::Dtype>(choices_.byte() % 21);
    info.sizes = {choices_.byte() % 4, choices_.byte() % 4};
    info.strides = {choices_.byte() % 5, choices_.byte() % 5};
    info.offset = choices_.byte() % 3;
    cooper4j::Storage storage;
    storage.nbytes = 32 * cooper4j::dtype_size(info.dtype);
    const std::shared_ptr<char[]> data(new char[storage.nbytes]);
    std::memset(data.get(), choices_.byte(), storage.nbytes);
    storage.data = std::shared_ptr<void>(data, data.get());
    info.storage = doc_.add_storage(std::move(storage));
    return doc_.tensor(std::move(info));
  }

  void attach(Node node) {
    const Node to = any();
    const cooper4j::Kind kind = doc_.kind(to);
    if (kind == cooper4j::Kind::kList)
      doc_.append(to, node);
    else if (doc_.is_dict(to))
      doc_.put(to, choices_.text(true), node);
    else
      doc_.put(nodes_[0], choices_.text(true), node);
  }

  Choices& choices_;
  Document& doc_;
  std::vector<Node> nodes_;
};

std::string tree_of(const Document& document) {
  std::ostringstream out;
  cooper4j::json_tree(document, &out);
  return out.str();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Choices choices(data, size);
  Document document;
  document.set_root(Builder(choices, document).build());
  const std::string before = tree_of(document);
  const std::string file = cooper4j::save_bytes(document, document.root());
  const std::string after = tree_of(cooper4j::load_bytes(file));
  if (after != before) {
    std::cerr << "before: " << before << "\nafter:  " << after << "\n";
    std::abort();
  }
  return 0;
}
