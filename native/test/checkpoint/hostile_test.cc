// Files that must be refused: with a reason, in little memory, and never by a signal.
// src/test/python/hostile_checkpoints.py writes them; hostile.tsv says how each refusal reads.

#include <ATen/core/Tensor.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "check.h"
#include "cooper4j/checkpoint.h"

namespace fs = std::filesystem;
using cooper4j::CheckpointError;
using cooper4j::Document;
using cooper4j::Kind;
using cooper4j::Node;

namespace {

const fs::path kFolder = fs::path(COOPER4J_SOURCE_DIR) / "src/test/resources/checkpoints/hostile";

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void make_all_tensors(Document& document) {
  for (Node node = 0; node < document.node_count(); ++node) {
    const Kind kind = document.kind(node);
    if (kind == Kind::kTensor || kind == Kind::kSparseCoo || kind == Kind::kSparseCsr)
      cooper4j::to_tensor(document, node);
  }
}

/// What is said against a file; empty if it is taken.
std::string refusal(const fs::path& path) {
  try {
    Document document = cooper4j::load(path);
    make_all_tensors(document);
    return "";
  } catch (const std::exception& e) {
    return e.what();
  }
}

/// Bounds what the test may take from here on; without effect under a sanitizer, which maps
/// terabytes.
class MemoryLimit {
 public:
  explicit MemoryLimit(uint64_t more) {
    getrlimit(RLIMIT_AS, &before_);
    uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit now = before_;
    now.rlim_cur = pages * 4096 + more;
    if (pages * 4096 < (uint64_t{1} << 40)) setrlimit(RLIMIT_AS, &now);
  }
  ~MemoryLimit() { setrlimit(RLIMIT_AS, &before_); }

 private:
  rlimit before_{};
};

TEST(every_hostile_file_is_refused_with_its_reason_in_little_memory) {
  std::ifstream table(kFolder / "../hostile.tsv");
  std::string name, reason;
  size_t count = 0;
  const MemoryLimit limit(uint64_t{256} << 20);
  while (std::getline(table, name, '\t') && std::getline(table, reason)) {
    ++count;
    const std::string said = refusal(kFolder / (name + ".pt"));
    if (said.find(reason) == std::string::npos || said.empty())
      check::fail(__FILE__, __LINE__, name + ": expected \"" + reason + "\", was \"" + said + "\"");
  }
  size_t files = 0;
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    const std::string stem = entry.path().stem().string();
    if (stem.rfind("ok_", 0) == 0) {
      const std::string said = refusal(entry.path());
      if (!said.empty()) check::fail(__FILE__, __LINE__, stem + ": " + said);
    } else {
      ++files;
    }
  }
  CHECK_EQ(files, count);
  CHECK(count > 100);
}

TEST(every_prefix_of_a_file_is_refused) {
  const std::string whole = read(kFolder / "ok_honest.pt");
  CHECK(!whole.empty());
  for (size_t size = 0; size < whole.size(); ++size)
    CHECK_THROWS(cooper4j::load_bytes(std::string_view(whole).substr(0, size)), "");
}

TEST(a_flipped_byte_is_refused_or_changes_nothing) {
  std::string file = read(kFolder / "ok_honest.pt");
  const Document before = cooper4j::load_bytes(file);
  const std::string expected = cooper4j::save_bytes(before, before.root());
  for (char& byte : file) {
    for (const int flip : {0x01, 0x20, 0x80, 0xFF}) {
      byte = static_cast<char>(byte ^ flip);
      try {
        Document after = cooper4j::load_bytes(file);
        make_all_tensors(after);
        CHECK(cooper4j::save_bytes(after, after.root()) == expected);
      } catch (const CheckpointError&) {
      }
      byte = static_cast<char>(byte ^ flip);
    }
  }
}

}  // namespace

CHECK_MAIN()
