#include "cooper4j/document.h"

#include <cmath>
#include <limits>

#include "check.h"

using cooper4j::Document;
using cooper4j::Kind;
using cooper4j::kNoNode;
using cooper4j::Node;
using cooper4j::Storage;
using cooper4j::TensorInfo;

namespace {

TensorInfo view(std::vector<int64_t> sizes, std::vector<int64_t> strides, int64_t offset = 0) {
  TensorInfo info;
  info.sizes = std::move(sizes);
  info.strides = std::move(strides);
  info.offset = offset;
  return info;
}

}  // namespace

TEST(a_dict_keeps_insertion_order_and_replaces_equal_keys) {
  Document doc;
  const Node dict = doc.dict();
  doc.put(dict, "b", doc.integer(1));
  doc.put(dict, "a", doc.integer(2));
  doc.put(dict, "b", doc.integer(3));
  CHECK_EQ(size_t{2}, doc.size(dict));
  CHECK_EQ(std::string("b"), doc.as_string(doc.key(dict, 0)));
  CHECK_EQ(int64_t{3}, doc.as_int(doc.find(dict, "b")));
  CHECK(doc.find(dict, "c") == kNoNode);
  CHECK_THROWS(doc.at(dict, "c"), "expected the key 'c', found 'b', 'a'");
}

TEST(keys_are_equal_as_in_python) {
  Document doc;
  const Node dict = doc.dict();
  doc.put(dict, doc.integer(1), doc.none());
  doc.put(dict, doc.boolean(true), doc.none());
  doc.put(dict, doc.number(1.0), doc.none());
  doc.put(dict, doc.complex({1.0, 0.0}), doc.none());
  CHECK_EQ(size_t{1}, doc.size(dict));
  doc.put(dict, doc.size({2, 3}), doc.none());
  doc.put(dict, doc.tuple({doc.integer(2), doc.number(3.0)}), doc.none());
  CHECK_EQ(size_t{2}, doc.size(dict));
  doc.put(dict, doc.number(std::nan("")), doc.none());
  doc.put(dict, doc.number(std::nan("")), doc.none());
  CHECK_EQ(size_t{4}, doc.size(dict));
  CHECK_THROWS((doc.put(dict, doc.list(), doc.none()), 0), "hashable");
  CHECK_THROWS((doc.put(dict, doc.tuple({doc.dict()}), doc.none()), 0), "hashable");
}

TEST(a_large_dict_and_a_large_set_find_their_members) {
  Document doc;
  const Node dict = doc.dict();
  const Node set = doc.set();
  for (int i = 0; i < 2000; ++i) {
    doc.put(dict, std::to_string(i % 1000), doc.integer(i));
    doc.append(set, doc.integer(i % 1000));
  }
  CHECK_EQ(size_t{1000}, doc.size(dict));
  CHECK_EQ(size_t{1000}, doc.size(set));
  CHECK_EQ(int64_t{1777}, doc.as_int(doc.find(dict, "777")));
}

TEST(keys_that_share_tuples_exponentially_are_refused) {
  Document doc;
  const Node dict = doc.dict();
  for (int repeat = 0; repeat < 2; ++repeat) {
    Node left = doc.tuple({doc.integer(1)});
    for (int i = 0; i < 60; ++i) left = doc.tuple({left, left});
    if (repeat == 0)
      doc.put(dict, left, doc.none());
    else
      CHECK_THROWS((doc.put(dict, left, doc.none()), 0), "nests more than");
  }
}

TEST(big_integers_print_in_decimal) {
  Document doc;
  CHECK_EQ(Kind::kInt == doc.kind(doc.big_integer(std::string_view("\xff\0", 2))), true);
  CHECK_EQ(std::string("255"), doc.decimal(doc.big_integer(std::string_view("\xff\0", 2))));
  CHECK_EQ(std::string("0"), doc.decimal(doc.big_integer("")));
  CHECK_EQ(std::string("-9223372036854775808"),
           doc.decimal(doc.big_integer(std::string_view("\0\0\0\0\0\0\0\x80", 8))));
  const Node big = doc.big_integer(std::string_view("\0\0\0\0\0\0\0\x80\0", 9));
  CHECK(doc.kind(big) == Kind::kBigInt);
  CHECK_EQ(std::string("9223372036854775808"), doc.decimal(big));
  CHECK_EQ(std::string("-18446744073709551616"),
           doc.decimal(doc.big_integer(std::string_view("\0\0\0\0\0\0\0\0\xff", 9))));
}

TEST(a_wrong_kind_is_named) {
  Document doc;
  CHECK_THROWS(doc.as_int(doc.str("x")), "expected int, found str");
  CHECK_THROWS(doc.append(doc.dict(), doc.none()), "found dict");
  CHECK_THROWS(doc.as_tensor(doc.list()), "expected Tensor, found list");
  CHECK_THROWS(doc.str("\xff"), "must be UTF-8");
  CHECK_THROWS(doc.kind(12345), "not of this document");
}

TEST(a_tensor_stays_inside_its_storage) {
  Document doc;
  Storage storage;
  storage.nbytes = 24;
  doc.add_storage(storage);
  const int64_t huge = std::numeric_limits<int64_t>::max();
  doc.tensor(view({2, 3}, {3, 1}));
  doc.tensor(view({0}, {1}, 5));
  doc.tensor(view({1000, 1}, {0, 1}, 5));
  CHECK_THROWS(doc.tensor(view({2, 3}, {3, 1}, 1)), "reaches past the 24 bytes");
  CHECK_THROWS(doc.tensor(view({2}, {huge})), "reaches past");
  CHECK_THROWS(doc.tensor(view({huge, huge}, {0, 0})), "2^63 - 1 elements");
  CHECK_THROWS(doc.tensor(view({huge}, {0})), "reaches past");
  CHECK_THROWS(doc.tensor(view({-1}, {1})), "negative size");
  CHECK_THROWS(doc.tensor(view({2}, {-1}, 3)), "negative stride");
  CHECK_THROWS(doc.tensor(view({1}, {1}, -1)), "reaches past");
  CHECK_THROWS(doc.tensor(view({1}, {})), "1 sizes but 0 strides");
}

TEST(attributes_hang_from_ordered_dicts_and_tensors) {
  Document doc;
  const Node dict = doc.ordered_dict();
  CHECK(doc.attrs(dict) == kNoNode);
  doc.set_attr(dict, "_metadata", doc.ordered_dict());
  CHECK_EQ(size_t{1}, doc.size(doc.attrs(dict)));
  CHECK_THROWS(doc.set_attr(doc.list(), "x", doc.none()), "OrderedDict or Tensor");
}

CHECK_MAIN()
