// No file costs more than its size allows: each way to ask for much by little, at two sizes, costs
// in proportion or is refused with the reason. Counted are the budget's own work, the bytes that
// were allocated at once and the bytes that came out, never time.

#include "checkpoint/document/budget.h"

#include <ATen/core/Tensor.h>
#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <sstream>
#include <string>
#include <vector>

#include "check.h"
#include "checkpoint/inspect/inspect.h"
#include "checkpoint/zip/little_endian.h"
#include "checkpoint/zip/writer.h"
#include "cooper4j/checkpoint.h"
#include "cooper4j/safetensors.h"

namespace {

int64_t live = 0;
int64_t peak = 0;

void* take(size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  live += static_cast<int64_t>(malloc_usable_size(memory));
  if (live > peak) peak = live;
  return memory;
}

void give(void* memory) {
  if (memory != nullptr) live -= static_cast<int64_t>(malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

// These stand before the library's, for this program alone.
void* operator new(size_t size) { return take(size); }
void* operator new[](size_t size) { return take(size); }
void operator delete(void* memory) noexcept { give(memory); }
void operator delete[](void* memory) noexcept { give(memory); }
void operator delete(void* memory, size_t) noexcept { give(memory); }
void operator delete[](void* memory, size_t) noexcept { give(memory); }

using cooper4j::Document;
using cooper4j::Node;
using namespace std::string_literals;

namespace {

// A 64th of the default, so that the rule's constants are a 64th, too.
constexpr uint64_t kLimit = cooper4j::kDefaultLimit / 64;
constexpr int64_t kMemory = int64_t{4} << 20;
constexpr uint64_t kOutput = uint64_t{1} << 20;
constexpr size_t kTimes = 4;  // the second size

// A pickle's parts.

std::string text(const std::string& s) {
  std::string out = "X";
  cooper4j::put_le<uint32_t>(out, static_cast<uint32_t>(s.size()));
  return out + s;
}

std::string integer(int64_t value) {
  std::string out("\x8a\x08", 2);
  cooper4j::put_le<int64_t>(out, value);
  return out;
}

std::string put(int slot) { return {'q', static_cast<char>(slot)}; }
std::string get(int slot) { return {'h', static_cast<char>(slot)}; }

std::string times(size_t count, const std::string& part) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += part;
  return out;
}

std::string number(double value) {
  std::string out = "G";
  uint64_t bits;
  std::memcpy(&bits, &value, 8);
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(bits >> shift & 0xFF);
  return out;
}

std::string each(size_t count, const std::function<std::string(size_t)>& part) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += part(i);
  return out;
}

/// `first` once, then its memo again and again.
std::string list_of(size_t count, const std::string& first) {
  return "](" + first + put(1) + times(count, get(1)) + "e";
}

std::string storage(const std::string& cls, const std::string& key, int64_t count) {
  return "(" + text("storage") + "ctorch\n" + cls + "\n" + text(key) + text("cpu") +
         integer(count) + "tQ";
}

std::string tensor(const std::string& cls, const std::string& key, int64_t size, int64_t stride,
                   int64_t elements = 1) {
  return "ctorch._utils\n_rebuild_tensor_v2\n(" + storage(cls, key, elements) + "K\0("s +
         integer(size) + "t(" + integer(stride) + "t\x89" + "ccollections\nOrderedDict\n)RtR";
}

std::string sparse(int64_t nnz) {
  return "ctorch._utils\n_rebuild_sparse_tensor\nctorch.serialization\n_get_layout\n" +
         text("torch.sparse_coo") + "\x85R(ctorch._utils\n_rebuild_tensor_v2\n(" +
         storage("LongStorage", "0", 1) + "K\0("s + integer(1) + integer(nnz) + "t(" + integer(0) +
         integer(0) + "t\x89" + "ccollections\nOrderedDict\n)RtR" +
         tensor("FloatStorage", "1", nnz, 0) + "ctorch\nSize\n(" + integer(10) + "t\x85RNt\x86R";
}

std::string in_dict(const std::string& value) { return "}" + text("w") + value + "s"; }

std::string file_of(const std::string& body) {
  cooper4j::StringSink sink;
  cooper4j::ZipWriter zip(sink, "archive", true);
  zip.add("data.pkl", "\x80\x02" + body + ".");
  zip.add("data/0", std::string(8, '\0'));
  zip.add("data/1", std::string(4, '\0'));
  zip.add("version", "3\n");
  zip.finish();
  return sink.take();
}

struct Hostile {
  const char* name;
  std::function<std::string(size_t)> body;  // of a pickle, in proportion to the number
};

std::string nested_dicts(size_t depth, size_t name) {
  return "}" + text(std::string(name, 'k')) + put(1) + times(depth, "}" + get(1)) + "}" +
         text("w") + tensor("FloatStorage", "1", 1, 1) + "s" + times(depth, "s") + "s";
}

const std::vector<Hostile> kHostile = {
    {"a tensor stretched over a terabyte",
     [](size_t n) {
       return in_dict(tensor("FloatStorage", "1", static_cast<int64_t>(n) << 30, 0));
     }},
    {"many tensors that are each stretched",
     [](size_t n) { return "](" + times(n / 64, tensor("FloatStorage", "1", 1 << 16, 0)) + "e"; }},
    {"a sparse tensor of stretched indices",
     [](size_t n) { return in_dict(sparse(static_cast<int64_t>(n) << 30)); }},
    {"dicts made again and again of keys that are all equal",
     [](size_t n) {
       return "](ccollections\nOrderedDict\n" + put(4) + "](" +
              times(8, "((" + times(n / 16, number(1.5)) + "tNt") + "e\x85" + put(5) + "R" +
              times(n / 8, get(4) + get(5) + "R") + "e";
     }},
    {"keys that are NaN",
     [](size_t n) { return "}(" + times(n, number(std::strtod("nan", nullptr)) + "N") + "u"; }},
    {"keys of bytes that meet the hash's constants",
     [](size_t n) {
       return "}(" +
              each(n / 8,
                   [](size_t i) {
                     std::string latin;
                     for (const unsigned char c : "\xdb\x28\xb4\xa0\xd1\x7e\x03\xe7"s)
                       latin += c < 0x80 ? std::string(1, static_cast<char>(c))
                                         : std::string{static_cast<char>(0xC0 | c >> 6),
                                                       static_cast<char>(0x80 | (c & 0x3F))};
                     std::string digits = std::to_string(10000000 + i);
                     return "c_codecs\nencode\n(" + text(digits + latin) + text("latin1") + "tRN";
                   }) +
              "u";
     }},
    {"one dict named again and again",
     [](size_t n) {
       return list_of(n, "}(" + each(n, [](size_t i) {
                           return integer(static_cast<int64_t>(i)) + "N";
                         }) + "u");
     }},
    {"one text named again and again",
     [](size_t n) { return list_of(n, text(std::string(n, '\x01'))); }},
    {"one Size named again and again",
     [](size_t n) { return list_of(n, "ctorch\nSize\n(" + times(n, "K\x01") + "t\x85R"); }},
    {"one tuple named again and again",
     [](size_t n) { return list_of(n, "(" + times(n, "N") + "t"); }},
    {"one long integer named again and again",
     [](size_t n) { return list_of(n, "\x8a\xff"s + std::string(254, '\x77') + "\x01"); }},
    {"names that grow with each dict",
     [](size_t n) { return nested_dicts(std::min<size_t>(n / 8, 900), n); }},
    {"one key of many dicts",
     [](size_t n) {
       return "](" + text(std::string(n, 'k')) + put(1) + times(n / 4, "}" + get(1) + "Ns") + "e";
     }},
    {"tuples that double",
     [](size_t n) {
       return "](" + text("ha") + put(1) +
              times(std::min<size_t>(n / 16, 900), get(1) + get(1) + "\x86" + put(1)) + "e";
     }},
    {"a set made again and again of one list",
     [](size_t n) {
       return "](](" + each(n, [](size_t i) { return integer(static_cast<int64_t>(i)); }) + "e" +
              put(1) + times(n / 8, "c__builtin__\nset\n" + get(1) + "\x85R") + "e";
     }},
    {"bytes made again and again of one text",
     [](size_t n) {
       return "](c_codecs\nencode\n" + put(4) + "(" + text(std::string(n, 'b')) + text("latin1") +
              "t" + put(3) + "R" + times(n / 4, get(4) + get(3) + "R") + "e";
     }},
    {"tensors made again and again of one call's arguments",
     [](size_t n) {
       return "](ctorch._utils\n_rebuild_tensor_v2\n" + put(4) + "(" +
              storage("FloatStorage", "1", 1) + "K\0("s + times(60, "K\x01") + "t(" +
              times(60, "K\x01") + "t\x89" + "ccollections\nOrderedDict\n)Rt" + put(5) + "R" +
              times(n, get(4) + get(5) + "R") + "e";
     }},
    {"a memo of one far slot",
     [](size_t n) {
       std::string slot = "r";
       cooper4j::put_le<uint32_t>(slot, static_cast<uint32_t>(n));
       return "N" + slot + text(std::string(n, 'x')) + "\x86";
     }},
    {"empty dicts", [](size_t n) { return "](" + times(n, "}") + "e"; }},
    {"empty tuples", [](size_t n) { return "](" + times(n, ")") + "e"; }},
    {"values that are true", [](size_t n) { return "](" + times(n, "\x88") + "e"; }},
    {"lists that nest deeply, in many places",
     [](size_t n) { return "](" + times(n / 500, times(500, "]") + times(499, "a")) + "e"; }},
    {"an array of numpy made again and again of one buffer",
     [](size_t n) {
       return "](cnumpy._core.numeric\n_frombuffer\n" + put(4) + "(c_codecs\nencode\n(" +
              text(std::string(n, 'b')) + text("latin1") + "tRcnumpy\ndtype\n(" + text("u1") +
              "\x89\x88tR(" + integer(static_cast<int64_t>(n)) + "t" + text("C") + "t" + put(5) +
              "R" + times(n / 4, get(4) + get(5) + "R") + "e";
     }},
};

/// What one use of a file came to.
struct Cost {
  std::string refused;  // or why not
  uint64_t work = 0;
  int64_t memory = 0;
  uint64_t output = 0;
};

template <typename Use>
Cost cost_of(Use use) {
  Cost cost;
  const int64_t before = live;
  peak = live;
  try {
    use(cost);
  } catch (const cooper4j::CheckpointError& e) {
    cost.refused = e.what();
  } catch (const std::invalid_argument& e) {  // what the other format cannot hold
    cost.refused = e.what();
  }
  cost.memory = peak - before;
  return cost;
}

/// Counts what is written and keeps nothing.
class Counter : public std::streambuf {
 public:
  uint64_t count = 0;

 protected:
  std::streamsize xsputn(const char*, std::streamsize n) override {
    count += static_cast<uint64_t>(n);
    return n;
  }
  int_type overflow(int_type c) override {
    ++count;
    return c;
  }
};

template <typename Write>
uint64_t written_by(Write write) {
  Counter counter;
  std::ostream out(&counter);
  write(out);
  return counter.count;
}

using Uses = std::vector<std::pair<const char*, Cost>>;

/// A file's costs in every use that there is of it.
Uses costs_of(const std::string& file) {
  Document document;
  Uses uses;
  uses.emplace_back("load", cost_of([&](Cost& cost) {
                      cooper4j::LoadOptions options;
                      options.limit = kLimit;
                      document = cooper4j::load_bytes(file, options);
                      cost.work = document.budget().worked();
                    }));
  if (!uses.back().second.refused.empty()) return uses;
  for (const auto& [name, tree] : {std::make_pair("inspect --json", cooper4j::json_tree),
                                   std::make_pair("inspect", cooper4j::text_tree)})
    uses.emplace_back(name, cost_of([&, tree = tree](Cost& cost) {
                        tree(document, nullptr);
                        cost.output = written_by([&](std::ostream& out) { tree(document, &out); });
                      }));
  uses.emplace_back("save", cost_of([&](Cost& cost) {
                      cost.output = written_by([&](std::ostream& out) {
                        cooper4j::save(out, document, document.root());
                      });
                    }));
  uses.emplace_back("safetensors", cost_of([&](Cost& cost) {
                      cost.output = written_by([&](std::ostream& out) {
                        cooper4j::save_safetensors(out, document, document.root());
                      });
                    }));
  uses.emplace_back("tensors", cost_of([&](Cost&) {
                      for (Node node = 0; node < document.node_count(); ++node)
                        if (document.kind(node) == cooper4j::Kind::kSparseCoo)
                          cooper4j::to_tensor(document, node);
                    }));
  return uses;
}

void require_within_rule(const std::string& what, const Cost& cost, size_t bytes) {
  const auto n = static_cast<int64_t>(bytes);
  if (cost.memory > kMemory + 4 * n)
    check::fail(__FILE__, __LINE__,
                what + ": took " + std::to_string(cost.memory) + " bytes of memory for " +
                    std::to_string(n));
  if (cost.output > kOutput + 20 * bytes)
    check::fail(
        __FILE__, __LINE__,
        what + ": wrote " + std::to_string(cost.output) + " bytes for " + std::to_string(n));
}

/// What four times the file costs is refused, or at most a bit more than four times as much.
void require_linear(const std::string& what, const Cost& small, const Cost& large) {
  if (!large.refused.empty()) return;
  const auto linear = [&](const char* unit, uint64_t a, uint64_t b, uint64_t slack) {
    if (b > (kTimes + 1) * a + slack)
      check::fail(__FILE__, __LINE__,
                  what + ": " + std::to_string(a) + " " + unit + " became " + std::to_string(b));
  };
  linear("steps", small.work, large.work, 1000);
  linear("bytes of output", small.output, large.output, 1000);
  linear("bytes of memory", static_cast<uint64_t>(small.memory),
         static_cast<uint64_t>(large.memory), uint64_t{1} << 20);
}

TEST(what_asks_for_much_by_little_costs_in_proportion_or_is_refused) {
  for (const Hostile& hostile : kHostile) {
    const std::string small = file_of(hostile.body(2000));
    const std::string large = file_of(hostile.body(2000 * kTimes));
    const Uses of_small = costs_of(small);
    const Uses of_large = costs_of(large);
    for (const auto& [use, cost] : of_small)
      require_within_rule(std::string(hostile.name) + ", " + use, cost, small.size());
    for (size_t i = 0; i < of_large.size(); ++i) {
      const std::string what = std::string(hostile.name) + ", " + of_large[i].first;
      require_within_rule(what, of_large[i].second, large.size());
      if (i < of_small.size() && of_small[i].second.refused.empty())
        require_linear(what, of_small[i].second, of_large[i].second);
      if (std::getenv("SHOW"))
        std::cout << what << ": " << large.size() << " bytes, work " << of_large[i].second.work
                  << ", memory " << of_large[i].second.memory << ", output "
                  << of_large[i].second.output << " " << of_large[i].second.refused.substr(0, 150)
                  << "\n";
    }
  }
}

}  // namespace

CHECK_MAIN()
