// The commands inspect and convert: what they take, what they say of other files, how they end.

#include "cooper4j/command.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "check.h"
#include "checkpoint/zip/little_endian.h"
#include "cooper4j/checkpoint.h"
#include "cooper4j/safetensors.h"

namespace fs = std::filesystem;
using namespace std::string_literals;
using cooper4j::Document;
using cooper4j::Node;

namespace {

class TempFolder {
 public:
  TempFolder() : path_(fs::temp_directory_path() / ("cooper4j-" + std::to_string(std::rand()))) {
    fs::create_directories(path_);
  }
  ~TempFolder() { fs::remove_all(path_); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

struct Run {
  int code;
  std::string out;
  std::string err;
};

Run run(const std::vector<std::string>& words) {
  std::ostringstream out, err;
  const int code = cooper4j::run_command(words, out, err);
  return {code, out.str(), err.str()};
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A float32 tensor of one number, seen as `size` of them.
Node tensor(Document& document, int64_t size = 1) {
  cooper4j::Storage storage;
  storage.nbytes = 4;
  storage.dtype = cooper4j::Dtype::kFloat32;
  const std::shared_ptr<float> data = std::make_shared<float>(1.5f);
  storage.data = data;
  cooper4j::TensorInfo info;
  info.storage = document.add_storage(storage);
  info.sizes = {size};
  info.strides = {size == 1 ? 1 : 0};
  return document.tensor(info);
}

/// {"model": {"w": …}, "ema.model": {"w": …}, "list": [{"w": …}], 7: {"w": …}, "epoch": 3}
void save_training(const std::string& path) {
  Document document;
  const auto model = [&] {
    const Node dict = document.dict();
    document.put(dict, "w", tensor(document));
    return dict;
  };
  const Node root = document.dict();
  document.put(root, "model", model());
  document.put(root, "ema.model", model());
  document.put(root, "list", document.list({model()}));
  document.put(root, document.integer(7), model());
  document.put(root, "epoch", document.integer(3));
  cooper4j::save(path, document, root);
}

std::string zip_of(const std::string& name) {
  std::string entry("PK\x01\x02", 4), end("PK\x05\x06", 4);
  entry.resize(46, '\0');
  entry[28] = static_cast<char>(name.size());
  entry += name;
  end.resize(22, '\0');
  end[8] = end[10] = 1;
  end[12] = static_cast<char>(entry.size());
  end[16] = 30;
  return "PK\x03\x04"s + std::string(26, '\0') + entry + end;
}

struct Kind {
  const char* said;
  std::string bytes;
};

const std::vector<Kind> kKinds = {
    {"is a Git LFS pointer, which stands for the file of 12345 bytes itself; fetch that with git "
     "lfs",
     "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 12345\n"},
    {"is a web page",
     "\n<!DOCTYPE html><html><head><title>Virus scan warning</title></head></html>"},
    {"is a web page", "<HTML><body>Sign in</body></HTML>"},
    {"is an XML text that starts with '<?xml",
     "<?xml version=\"1.0\"?><Error>AccessDenied</Error>"},
    {"is the index of a model in several files",
     "{\"metadata\": {}, \"weight_map\": {\"a\": \"x\"}}"},
    {"is a JSON text that starts with '{", "{\"error\": \"Repository not found\"}"},
    {"is a text file that starts with 'epoch,loss'", "epoch,loss\n1,0.5\n"},
    {"is empty", ""},
    {"starts with nothing but zeros", std::string(4096, '\0')},
    {"is compressed by gzip; unpack it first", "\x1f\x8b\x08"s + std::string(60, '\0')},
    {"is compressed by xz", "\xfd"s + "7zXZ\0\0"s + std::string(60, '\0')},
    {"is compressed by zstd", "\x28\xb5\x2f\xfd"s + std::string(60, '\0')},
    {"is a tar archive", std::string(257, 'a') + "ustar" + std::string(250, '\0')},
    {"is an array of NumPy (.npy); read it in Python with numpy.load",
     "\x93NUMPY\x01"s + std::string(60, '\0')},
    {"is an archive of NumPy arrays (.npz)", zip_of("weight.npy")},
    {"is an HDF5 file", "\x89HDF\r\n\x1a\n"s + std::string(60, '\0')},
    {"is a GGUF file", "GGUF\3"s + std::string(60, '\0')},
    {"looks like a model of ONNX",
     "\x08\x08\x12\x07pytorch\x1a\x06"
     "2.10.0"s +
         std::string(60, '\0')},
    {"is a TorchScript program, not a checkpoint; load it with torch.jit.load",
     zip_of("net/constants.pkl")},
    {"is an exported program (torch.export)", zip_of("net/archive_format")},
    {"is a zip that holds 'run/best.pth'", zip_of("run/best.pth")},
    {"is a zip of something else, which starts with 'photos/cat.heic'", zip_of("photos/cat.heic")},
    {"is a pickle (protocol 4), which torch.save did not write",
     "\x80\x04\x95\x04\0\0\0\0\0\0\0}\x94."s},
    {"is a pickle (protocol 0 or 1)", "(dp0\nVlr\np1\nF0.1\ns."},
    {"is a pickle (protocol 0 or 1)", "ccollections\nOrderedDict\np0\n(tRp1\n."},
    {"is a pickle (protocol 0 or 1)", "}q\0X\1\0\0\0aq\1K\1s."s},
    {"is a file of joblib (protocol 4)",
     "\x80\x04\x95\x30\0\0\0\0\0\0\0\x8c\x13joblib.numpy_pickle\x94."s},
    {"is compressed by zlib, as joblib does", "x\x9c" + std::string(60, 'a')},
    {"was written by torch.save with pickle_protocol 4",
     "\x80\x04\x95\x0d\0\0\0\0\0\0\0\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19."s},
    {"was written by torch.save with pickle_protocol 0 or 1", "L119547037146038801333356L\n."},
    {"looks like msgpack, as Flax writes it", "\x82\xa6params\x81\xa1w\x03\xa1n\x01"s},
    {"is a checkpoint of TensorFlow",
     "\x07" + std::string(60, '\1') + "\x57\xfb\x80\x8b\x24\x75\x47\xdb"},
    {"names the checkpoints of TensorFlow beside it", "model_checkpoint_path: \"model-7\"\n"},
    {"is a file of MATLAB", "MATLAB 5.0 MAT-file, Platform: GLNX" + std::string(60, '\0')},
    {"is a program of ExecuTorch", "\x1c\0\0\0ET12"s + std::string(60, '\0')},
};

TEST(a_folder_names_its_checkpoints) {
  const TempFolder folder;
  CHECK_THROWS(cooper4j::load(folder.path()), "is a folder, in which no file is called");
  write(folder / "b.ckpt", "");
  write(folder / "a.pt", "");
  write(folder / "notes.txt", "");
  CHECK_THROWS(cooper4j::load(folder.path()), "is a folder; give one of its files: a.pt, b.ckpt");
  CHECK_THROWS(cooper4j::load_safetensors(folder.path()), "is a folder; give one of its files");
  write(folder / "__0_0.distcp", "");
  CHECK_THROWS(cooper4j::load(folder.path()), "is the folder of a checkpoint in shards");
}

#ifndef _WIN32
TEST(a_pipe_and_a_device_are_refused_without_waiting) {
  const TempFolder folder;
  CHECK_EQ(0, mkfifo((folder / "pipe").c_str(), 0600));
  CHECK_THROWS(cooper4j::load(folder / "pipe"), "is a pipe; read it as a stream");
  CHECK_THROWS(cooper4j::load("/dev/null"), "is no file but a device");
}
#endif

TEST(another_kind_of_file_is_called_what_it_is) {
  const TempFolder folder;
  for (const Kind& kind : kKinds) {
    write(folder / "x.pt", kind.bytes);
    write(folder / "x.safetensors", kind.bytes);
    CHECK_THROWS(cooper4j::load(folder / "x.pt"), kind.said);
    CHECK_THROWS(cooper4j::load_safetensors(folder / "x.safetensors"), kind.said);
    CHECK_THROWS(cooper4j::convert(folder / "x.pt", folder / "y.safetensors"), kind.said);
    const Run shown = run({"inspect", folder / "x.pt"});
    CHECK_EQ(1, shown.code);
    if (!has(shown.out, kind.said)) check::fail(__FILE__, __LINE__, kind.said + (": " + shown.out));
  }
}

TEST(each_format_is_known_by_its_content_whatever_its_name) {
  const TempFolder folder;
  save_training(folder / "a.pt");
  CHECK_EQ(0, run({"convert", "--key", "model", folder / "a.pt", folder / "b.safetensors"}).code);
  fs::copy(folder / "a.pt", folder / "c.safetensors");
  fs::copy(folder / "b.safetensors", folder / "d.pt");
  CHECK_EQ(0, run({"inspect", folder / "c.safetensors", folder / "d.pt"}).code);
  CHECK_THROWS(cooper4j::load(folder / "d.pt"), "is a safetensors file");
  CHECK_THROWS(cooper4j::load_safetensors(folder / "c.safetensors"), "Checkpoint.load reads");
}

TEST(a_folder_is_searched_for_what_checkpoints_are_called_and_what_they_are) {
  const TempFolder folder;
  fs::create_directories(folder / "run/deep");
  for (const char* name :
       {"a.PT", "b.pth", "c.ckpt", "d.bin", "e.tar", "f.th", "deep/checkpoint-100"})
    save_training(folder / ("run/"s + name));
  write(folder / "run/notes.txt", "text");
  const Run found = run({"inspect", "--json", folder / "run"});
  CHECK_EQ(0, found.code);
  CHECK_EQ(ptrdiff_t{7}, std::count(found.out.begin(), found.out.end(), '\n'));
  CHECK(has(found.err, "skipped 1 other file in "));
  CHECK(has(found.err, "notes.txt"));
  fs::create_directories(folder / "empty");
  const Run nothing = run({"inspect", folder / "empty"});
  CHECK_EQ(1, nothing.code);
  CHECK(has(nothing.err, "found no checkpoint in"));
  CHECK_EQ(1, run({"inspect", folder / "absent"}).code);
}

TEST(a_key_leads_through_dots_lists_and_int_keys) {
  const TempFolder folder;
  save_training(folder / "a.pt");
  for (const char* key : {"model", "ema.model", "list.0", "7"}) {
    CHECK_EQ(0, run({"convert", "--key", key, folder / "a.pt", folder / "b.safetensors"}).code);
    const Document loaded = cooper4j::load_safetensors(folder / "b.safetensors");
    CHECK(loaded.find(loaded.root(), "w") != cooper4j::kNoNode);
  }
  const Run wrong =
      run({"convert", "--key", "ema.modle", folder / "a.pt", folder / "b.safetensors"});
  CHECK_EQ(1, wrong.code);
  CHECK(has(wrong.err, "expected the key 'ema.modle', found 'model', 'ema.model', 'list'"));
}

TEST(the_outputs_name_says_the_format) {
  const TempFolder folder;
  save_training(folder / "a.pt");
  CHECK_EQ(0, run({"convert", "--key", "model", folder / "a.pt", folder / "b.ckpt"}).code);
  const Document part = cooper4j::load(folder / "b.ckpt");
  CHECK(part.find(part.root(), "w") != cooper4j::kNoNode);
  const Run unnamed = run({"convert", folder / "a.pt", folder / "b.onnx"});
  CHECK_EQ(1, unnamed.code);
  CHECK(has(unnamed.err, "end it in .safetensors, or in .pt"));
  CHECK(!fs::exists(folder / "b.onnx"));
}

TEST(an_extra_state_is_left_out_of_safetensors_and_said_so) {
  const TempFolder folder;
  Document document;
  const Node root = document.dict();
  document.put(root, "w", tensor(document));
  const Node state = document.dict();
  document.put(state, "step", document.integer(3));
  document.put(root, "norm._extra_state", state);
  cooper4j::save(folder / "a.pt", document, root);
  const Run converted = run({"convert", folder / "a.pt", folder / "b.safetensors"});
  CHECK_EQ(0, converted.code);
  CHECK(has(converted.err, "left out norm._extra_state"));
  CHECK_THROWS(cooper4j::save_safetensors(folder / "c.safetensors", document, root),
               "_extra_state");
}

TEST(a_stretched_tensor_is_written_out_as_far_as_the_limit_goes) {
  const TempFolder folder;
  Document document;
  const Node root = document.dict();
  document.put(root, "sane", tensor(document, 1 << 20));
  document.put(root, "huge", tensor(document, int64_t{1} << 40));
  cooper4j::save(folder / "a.pt", document, root);
  const Run refused = run({"convert", folder / "a.pt", folder / "b.safetensors"});
  CHECK_EQ(1, refused.code);
  CHECK(has(refused.err, "writing out huge goes beyond the "));
  CHECK(has(refused.err, "raise the limit of 67108864"));
  CHECK(!fs::exists(folder / "b.safetensors"));
  const Run shown = run({"inspect", "--json", folder / "a.pt"});
  CHECK_EQ(0, shown.code);
  CHECK(has(shown.out, "\"sha256\": \""));    // of sane
  CHECK(has(shown.out, "\"sha256\": null"));  // of huge
  const Node less = document.dict();
  document.put(less, "sane", tensor(document, 1 << 20));
  cooper4j::save(folder / "a.pt", document, less);
  CHECK_EQ(1, run({"convert", "--limit", "1000", folder / "a.pt", folder / "b.safetensors"}).code);
  CHECK_EQ(0,
           run({"convert", "--limit", "9000000", folder / "a.pt", folder / "b.safetensors"}).code);
  CHECK_EQ(2, run({"convert", "--limit", "much", folder / "a.pt", folder / "b.safetensors"}).code);
}

TEST(an_output_that_cannot_be_written_is_told) {
  const TempFolder folder;
  save_training(folder / "a.pt");
  for (const char* form : {"inspect", "--json"}) {
    std::vector<std::string> words = {"inspect", folder / "a.pt"};
    if (form == "--json"s) words.push_back(form);
    std::ofstream full("/dev/full", std::ios::binary);
    std::ostringstream err;
    CHECK_EQ(1, cooper4j::run_command(words, full, err));
    CHECK(has(err.str(), "inspect: the output cannot be written"));
  }
  CHECK_EQ(1, run({"convert", folder / "a.pt", folder / "no/such/b.pt"}).code);
}

}  // namespace

CHECK_MAIN()
