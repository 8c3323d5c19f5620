// What torch.save and safetensors wrote is read as Python reads it, and comes back as it was.
// src/test/python/checkpoint_samples.py writes the files and their trees.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

#include "check.h"
#include "cooper4j/checkpoint.h"
#include "cooper4j/command.h"
#include "cooper4j/safetensors.h"

namespace fs = std::filesystem;
using cooper4j::Document;

namespace {

const fs::path kFolder = fs::path(COOPER4J_SOURCE_DIR) / "src/test/resources/checkpoints/good";

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A folder that goes when the test ends.
class TempFolder {
 public:
  TempFolder() : path_(fs::temp_directory_path() / ("cooper4j-" + std::to_string(std::rand()))) {
    fs::create_directories(path_);
  }
  ~TempFolder() { fs::remove_all(path_); }
  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

std::string tree(const fs::path& file) {
  std::ostringstream out;
  cooper4j::inspect_json(file.string(), out);
  const std::string line = out.str();
  return line.substr(line.find("\"ok\""), line.size() - line.find("\"ok\"") - 1);
}

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

TEST(every_sample_has_the_tree_that_python_sees) {
  std::ifstream trees(kFolder / "trees.jsonl");
  size_t count = 0;
  for (std::string line; std::getline(trees, line); ++count) {
    const std::string name = line.substr(10, line.find('"', 10) - 10);
    const std::string expected = line.substr(line.find("\"ok\""));
    if (tree(kFolder / name) != expected)
      check::fail(__FILE__, __LINE__, name + " has another tree");
  }
  CHECK_EQ(size_t{10}, count);
}

TEST(every_sample_comes_back_as_it_was) {
  const TempFolder folder;
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".pt") continue;
    const Document document = cooper4j::load(entry.path());
    const fs::path copy = folder / entry.path().filename().string();
    cooper4j::save(copy, document, document.root());
    // torch.load refuses a defaultdict, so a dict is written.
    const std::string expected =
        replace_all(tree(entry.path()), "\"t\": \"defaultdict\"", "\"t\": \"dict\"");
    if (tree(copy) != expected) check::fail(__FILE__, __LINE__, copy.string() + " has changed");
  }
}

TEST(safetensors_come_back_byte_for_byte) {
  const TempFolder folder;
  const fs::path original = kFolder / "weights.safetensors";
  const Document document = cooper4j::load_safetensors(original);
  cooper4j::save_safetensors(folder / "copy.safetensors", document, document.root());
  CHECK(tree(folder / "copy.safetensors") == tree(original));
  cooper4j::convert(original, folder / "weights.pt");
  cooper4j::convert(folder / "weights.pt", folder / "back.safetensors");
  CHECK(read(folder / "back.safetensors") == read(folder / "copy.safetensors"));
}

TEST(a_checkpoint_that_safetensors_cannot_hold_names_the_key) {
  const TempFolder folder;
  CHECK_THROWS(cooper4j::convert(kFolder / "training.pt", folder / "x.safetensors"),
               "training.pt: epoch: safetensors holds dense tensors, found int");
  CHECK_THROWS(cooper4j::convert(kFolder / "training.pt", folder / "x.safetensors", "model.0"),
               "expected the key '0'");
  cooper4j::convert(kFolder / "training.pt", folder / "x.safetensors", "model");
  const Document loaded = cooper4j::load_safetensors(folder / "x.safetensors");
  CHECK(loaded.find(loaded.root(), "1.running_mean") != cooper4j::kNoNode);
}

struct Hostile {
  std::string header;
  std::string data;
  std::string reason;
};

TEST(what_breaks_the_safetensors_format_is_refused) {
  const TempFolder folder;
  const auto one = [](const std::string& dtype, const std::string& shape,
                      const std::string& offsets) {
    return "{\"a\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
           ",\"data_offsets\":" + offsets + "}}";
  };
  const std::vector<Hostile> cases = {
      {"", "", "expected '{' at the start"},
      {" {}", "", "expected '{' at the start"},
      {"{} x", "", "expected spaces"},
      {"{}", "12", "has 2 bytes of data, its tensors take 0"},
      {"{\"a\":1}", "", "expected '{'"},
      {"{\"a\":{}}", "", "expected dtype, shape and two data_offsets"},
      {one("F32", "[1]", "[0,4]"), "", "has 0 bytes of data, its tensors take 4"},
      {one("F32", "[1]", "[1,5]"), "12345", "expected it to begin at 0"},
      {one("F32", "[2]", "[0,4]"), "1234", "of shape [2] and dtype F32 has 4 bytes"},
      {one("F33", "[1]", "[0,4]"), "1234", "unknown dtype 'F33'"},
      {one("F32", "[-1]", "[0,4]"), "1234", "expected a natural number"},
      {one("F32", "[1.0]", "[0,4]"), "1234", "expected"},
      {one("F32", "[01]", "[0,4]"), "1234", "expected a natural number"},
      {one("F32", "[99999999999999999999]", "[0,4]"), "1234", "below 10^18"},
      {one("F32", "[4294967296,4294967296]", "[0,4]"), "1234", "more than 2^63 - 1 elements"},
      {one("F32", "[1]", "[4,0]"), "1234", "expected it to begin at 0"},
      {one("F32", "[1]", "[0,4,4]"), "1234", "at most 2 data_offsets"},
      {one("U8", "[1" + replace_all(std::string(64, ','), ",", ",1") + "]", "[0,1]"), "1",
       "at most 64 dimensions"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"a\":{\"dtype\":\"U8\","
       "\"shape\":"
       "[1],\"data_offsets\":[1,2]}}",
       "12", "has the key 'a' twice"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"b\":{\"dtype\":\"U8\","
       "\"shape\":"
       "[2],\"data_offsets\":[1,3]}}",
       "123", "tensor 'b' lies at [1, 3), expected it to begin at 2"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0],\"x\":1}}", "",
       "unknown key 'x'"},
      {"{\"__metadata__\":{\"a\":1}}", "", "expected '\"'"},
      {"{\"\\ud800\":{}}", "", "lone surrogate"},
      {"{\"a\":{\"dtype\":\"U8", "", "expected the end of a string"},
      {std::string(100'000, '{'), "", "expected '\"'"},
  };
  for (const Hostile& hostile : cases) {
    std::string length(8, '\0');
    for (size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(hostile.header.size() >> 8 * i);
    std::ofstream(folder / "x", std::ios::binary) << length << hostile.header << hostile.data;
    CHECK_THROWS(cooper4j::load_safetensors(folder / "x"), hostile.reason);
  }
  std::ofstream(folder / "x", std::ios::binary) << std::string(8, '\x7f') << "{}";
  CHECK_THROWS(cooper4j::load_safetensors(folder / "x"), "more than the 100 MB");
  const std::string whole = read(kFolder / "weights.safetensors");
  for (size_t size = 0; size < whole.size(); ++size) {
    std::ofstream(folder / "x", std::ios::binary) << whole.substr(0, size);
    CHECK_THROWS(cooper4j::load_safetensors(folder / "x"), "");
  }
}

TEST(the_command_goes_on_after_a_bad_file_and_says_so) {
  std::ostringstream out, err;
  const std::string good = (kFolder / "protocol3.pt").string();
  CHECK_EQ(1, cooper4j::run_command({"inspect", "--json", "absent.pt", good}, out, err));
  CHECK(out.str().find(
            "{\"file\": \"absent.pt\", \"ok\": false, \"error\": \"absent.pt: cannot be opened") ==
        0);
  CHECK(out.str().find("protocol3.pt\", \"ok\": true") != std::string::npos);
  out.str("");
  CHECK_EQ(0, cooper4j::run_command({"inspect", kFolder.string()}, out, err));
  CHECK(out.str().find("n: float32 [], 4 B: 7\n") != std::string::npos);
  CHECK(err.str().find("inspect: skipped ") == 0);
  using Words = std::vector<std::string>;
  const std::string command = "inspect", option = "--yaml";
  for (const Words& wrong : {Words{}, Words{command}, Words{command, option}, Words{option}}) {
    err.str("");
    CHECK_EQ(2, cooper4j::run_command(wrong, out, err));
    const std::string line = err.str();
    CHECK_EQ(line.size() - 1, line.find('\n'));
  }
  CHECK_EQ(0, cooper4j::run_command({"convert", "--help"}, out, err));
}

}  // namespace

CHECK_MAIN()
