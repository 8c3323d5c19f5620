#include "checkpoint/zip/file_kind.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

#include "checkpoint/document/utf8.h"
#include "checkpoint/zip/format.h"
#include "checkpoint/zip/little_endian.h"
#include "checkpoint/zip/reader.h"

namespace cooper4j {
namespace {

constexpr size_t kHead = 1024;
constexpr uint64_t kMaxHeader = 100'000'000;  // of safetensors
constexpr size_t kNamesBytes = size_t{64} << 10;
constexpr std::string_view kLegacyMagic("\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19", 12);
constexpr std::string_view kLegacyDecimal = "L119547037146038801333356L\n";  // in protocol 0
constexpr size_t kNamedInFolder = 5;

struct Magic {
  size_t offset;
  std::string_view bytes;
  const char* kind;
};

using namespace std::string_view_literals;

constexpr const char* kZlib =
    "is compressed by zlib, as joblib does; load it in Python with what wrote it (joblib.load) and "
    "save what it holds with torch.save";

constexpr Magic kMagics[] = {
    {0, "\x1f\x8b"sv, "is compressed by gzip; unpack it first (gunzip)"},
    {0, "BZh"sv, "is compressed by bzip2; unpack it first (bunzip2)"},
    {0,
     "\xfd"
     "7zXZ\0"sv,
     "is compressed by xz; unpack it first (unxz)"},
    {0, "\x28\xb5\x2f\xfd"sv, "is compressed by zstd; unpack it first (unzstd)"},
    {0, "\x04\x22\x4d\x18"sv, "is compressed by lz4; unpack it first (unlz4)"},
    {0, "7z\xbc\xaf\x27\x1c"sv, "is a 7z archive; unpack it first"},
    {0, "Rar!\x1a\x07"sv, "is a RAR archive; unpack it first"},
    {257, "ustar"sv, "is a tar archive; unpack it first (tar -xf)"},
    {0, "\x93NUMPY"sv,
     "is an array of NumPy (.npy); read it in Python with numpy.load and save it with torch.save"},
    {0, "\x89HDF\r\n\x1a\n"sv,
     "is an HDF5 file, as Keras writes them; read it in Python with h5py and save its arrays with "
     "torch.save"},
    {0, "GGUF"sv, "is a GGUF file of llama.cpp; get the model's safetensors instead"},
    {0, "ggml"sv, "is a GGML file of llama.cpp; get the model's safetensors instead"},
    {0, "lmgg"sv, "is a GGML file of llama.cpp; get the model's safetensors instead"},
    {0, "tjgg"sv, "is a GGML file of llama.cpp; get the model's safetensors instead"},
    {0, "MATLAB 5.0 MAT-file"sv,
     "is a file of MATLAB; read it in Python with scipy.io.loadmat and save its arrays with "
     "torch.save"},
    {0, "\x12\x01\0\0\0\0\0\0"sv,
     "is a parameter file of MXNet; read it in Python with mxnet.nd.load and save its arrays with "
     "torch.save"},
    {4, "ET12"sv, "is a program of ExecuTorch; get the checkpoint that it was exported from"},
    {4, "TFL3"sv, "is a model of TensorFlow Lite; it has to be converted in Python"},
    {0, "PAR1"sv, "is a Parquet table, not a checkpoint"},
    {0, "ARROW1"sv, "is an Arrow table, not a checkpoint"},
    {0, "SQLite format 3"sv, "is an SQLite database, not a checkpoint"},
    {0, "\x89PNG\r\n\x1a\n"sv, "is a PNG picture, not a checkpoint"},
    {0, "\xff\xd8\xff"sv, "is a JPEG picture, not a checkpoint"},
    {0, "%PDF-"sv, "is a PDF document, not a checkpoint"},
    {0,
     "\x7f"
     "ELF"sv,
     "is a program or library of Linux, not a checkpoint"},
    {0, "MZ"sv, "is a program or library of Windows, not a checkpoint"},
    {0, "x\x01"sv, kZlib},
    {0, "x\x5e"sv, kZlib},
    {0, "x\x9c"sv, kZlib},
    {0, "x\xda"sv, kZlib},
    {0, "PK\x05\x06"sv, "is an empty zip file; it holds no checkpoint"},
};

std::string lower_extension(const std::filesystem::path& path) {
  std::string extension = path.extension().u8string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

std::string head_of(const ByteSource& file) {
  return file.read_string(0, static_cast<size_t>(std::min<uint64_t>(kHead, file.size())));
}

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool is_text(std::string_view head) {
  while (!head.empty() && (head.back() & '\x80') != 0) head.remove_suffix(1);  // a cut character
  const auto control = [](char c) {
    return (c >= 0 && c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7F;
  };
  return !head.empty() && std::none_of(head.begin(), head.end(), control) &&
         find_invalid_utf8(head, Surrogates::kRefuse) == std::string_view::npos;
}

/// In quotes, up to the first line's end or 40 bytes.
std::string start_of(std::string_view text) {
  text = text.substr(0, std::min<size_t>(40, text.find_first_of("\r\n")));
  std::string shown(text);
  while (!shown.empty() && (shown.back() & '\x80') != 0) shown.pop_back();
  for (char& c : shown)
    if ((c >= 0 && c < 0x20) || c == 0x7F) c = '?';
  return "'" + shown + "'";
}

std::string text_kind(std::string_view head) {
  if (starts_with(head, "version https://git-lfs.github.com/spec/") ||
      starts_with(head, "version https://hawser.github.com/spec/")) {
    const size_t at = head.find("\nsize ");
    const std::string_view rest = at == std::string_view::npos ? "" : head.substr(at + 6);
    const std::string size(rest.substr(0, rest.find_first_not_of("0123456789")));
    return "is a Git LFS pointer, which stands for the file" +
           (size.empty() ? "" : " of " + size + " bytes") +
           " itself; fetch that with git lfs pull, or download the file by its own link";
  }
  std::string start(head.substr(0, 256));
  start.erase(0, start.find_first_not_of("\xef\xbb\xbf \t\r\n"));
  std::transform(start.begin(), start.end(), start.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (starts_with(start, "<!doctype html") || starts_with(start, "<html") ||
      starts_with(start, "<head") || start.find("<html") != std::string::npos)
    return "is a web page, such as a login or an error of the site it came from; open it in a "
           "browser to see which, and download the file itself";
  if (starts_with(start, "<"))
    return "is an XML text that starts with " + start_of(head) +
           ", such as an error of the site it came from; download the file itself";
  if (starts_with(start, "{") || starts_with(start, "["))
    return head.find("\"weight_map\"") != std::string_view::npos
               ? "is the index of a model in several files; its weight_map names them"
               : "is a JSON text that starts with " + start_of(head) + ", not a checkpoint";
  if (starts_with(start, "model_checkpoint_path:"))
    return "names the checkpoints of TensorFlow beside it; read them in Python with "
           "tf.train.load_checkpoint and save the arrays with torch.save";
  return "is a text file that starts with " + start_of(head) + ", not a checkpoint";
}

/// The wire format of a ModelProto: its IR version, then who produced it or what it holds.
bool looks_like_onnx(std::string_view head) {
  if (head.size() < 4 || head[0] != 0x08 || head[1] < 1 || head[1] > 64) return false;
  if (head[2] == 0x3a || head[2] == 0x42) return true;  // graph, opset_import
  const size_t size = static_cast<unsigned char>(head[3]);
  const std::string_view name = head.substr(4, size);
  return head[2] == 0x12 && name.size() == size &&
         std::all_of(name.begin(), name.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

bool is_name(std::string_view line) {
  return !line.empty() && std::all_of(line.begin(), line.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '.';
  });
}

/// Protocols 0 and 1 have no magic: a container's or a class's opcode and what Python puts behind.
bool looks_like_old_pickle(std::string_view head) {
  for (const char* start : {"(dp", "(lp", "(tp", "(d.", "(l.", "(cnumpy", "}q", "]q", "(I", "(F"})
    if (starts_with(head, start)) return true;
  const size_t module_end = head.find('\n');
  if (head[0] != 'c' || module_end == std::string_view::npos) return false;
  const size_t name_end = head.find('\n', module_end + 1);
  return name_end != std::string_view::npos && is_name(head.substr(1, module_end - 1)) &&
         is_name(head.substr(module_end + 1, name_end - module_end - 1));
}

std::string pickle_kind(std::string_view head) {
  const bool old = head[0] != '\x80' || head.size() < 2;
  const std::string protocol = old ? "0 or 1" : std::to_string(head[1]);
  if (head.substr(0, 64).find(kLegacyMagic) != std::string_view::npos ||
      starts_with(head, kLegacyDecimal))
    return "was written by torch.save with pickle_protocol " + protocol +
           ", which torch.load does not read without running it; load it in Python with "
           "torch.load(weights_only=False) if you trust it, and save it again without that option";
  const bool joblib = head.find("joblib") != std::string_view::npos;
  return std::string(joblib ? "is a file of joblib" : "is a pickle") + " (protocol " + protocol +
         "), which torch.save did not write and which could run code; load it in Python (" +
         (joblib ? "joblib" : "pickle") +
         ".load) if you trust it, and save what it holds with torch.save";
}

/// A map whose first key is a short str.
bool looks_like_msgpack(std::string_view head) {
  size_t at = 0;
  const auto byte = [&](size_t i) { return i < head.size() ? head[i] & 0xFF : 0; };
  if (byte(0) > 0x80 && byte(0) < 0x90)
    at = 1;
  else if (byte(0) == 0xDE)
    at = 3;
  else if (byte(0) == 0xDF)
    at = 5;
  const bool small = byte(at) > 0xA0 && byte(at) < 0xC0;
  if (at == 0 || (!small && byte(at) != 0xD9)) return false;
  const size_t start = small ? at + 1 : at + 2;
  const size_t size = static_cast<size_t>(small ? byte(at) & 0x1F : byte(at + 1));
  return start + size <= head.size() && is_name(head.substr(start, size));
}

/// The footer of a table, which TensorFlow's .index and old .ckpt files are.
bool is_tensorflow_table(const ByteSource& file) {
  constexpr std::string_view kFooter("\x57\xfb\x80\x8b\x24\x75\x47\xdb", 8);
  return file.size() >= 48 && file.read_string(file.size() - 8, 8) == kFooter;
}

/// Names from the start of the central directory, as far as they can be read.
std::vector<std::string> names_in_zip(const ByteSource& file) {
  const uint64_t tail_size = std::min<uint64_t>(file.size(), zip::kEndSize + 0xFFFF);
  const std::string tail =
      file.read_string(file.size() - tail_size, static_cast<size_t>(tail_size));
  const size_t end = tail.rfind("PK\x05\x06");
  std::vector<std::string> names;
  if (end == std::string::npos || tail.size() - end < zip::kEndSize) return names;
  uint64_t offset = get_le<uint32_t>(&tail[end + 16]);
  if (offset == zip::kInZip64 && end >= zip::kLocator64Size) {
    const uint64_t end64 = get_le<uint64_t>(&tail[end - zip::kLocator64Size + 8]);
    if (end64 <= file.size() && file.size() - end64 >= zip::kEnd64Size)
      offset = get_le<uint64_t>(&file.read_string(end64, zip::kEnd64Size)[48]);
  }
  if (offset >= file.size()) return names;
  const std::string directory = file.read_string(
      offset, static_cast<size_t>(std::min<uint64_t>(kNamesBytes, file.size() - offset)));
  for (size_t at = 0; at + zip::kCentralSize <= directory.size();) {
    if (get_le<uint32_t>(&directory[at]) != zip::kCentralSignature) break;
    const size_t name = get_le<uint16_t>(&directory[at + 28]);
    const size_t rest =
        size_t{get_le<uint16_t>(&directory[at + 30])} + get_le<uint16_t>(&directory[at + 32]);
    if (at + zip::kCentralSize + name > directory.size()) break;
    names.push_back(directory.substr(at + zip::kCentralSize, name));
    at += zip::kCentralSize + name + rest;
  }
  return names;
}

std::string zip_kind(const ByteSource& file) {
  const std::vector<std::string> names = names_in_zip(file);
  const auto any = [&](auto matches) { return std::any_of(names.begin(), names.end(), matches); };
  const auto has = [&](std::string_view name) {
    return any([&](std::string_view n) {
      return n == name || (ends_with(n, name) && n[n.size() - name.size() - 1] == '/');
    });
  };
  if (has("constants.pkl") || has("bytecode.pkl")) return kIsTorchScript;
  const auto data = [](const std::string& n) { return n.find("data.pkl") != std::string::npos; };
  if (any(data) || names.empty()) return "";
  if (has("serialized_exported_program.json") || has("archive_format"))
    return "is an exported program (torch.export), not a checkpoint; load it in Python with "
           "torch.export.load and save its state_dict";
  if (has("MAR-INF/MANIFEST.json"))
    return "is an archive of TorchServe (.mar); unzip it: the checkpoint is inside";
  if (has("model.weights.h5"))
    return "is a model of Keras; read it in Python and save its arrays with torch.save";
  if (any([](std::string_view n) { return ends_with(n, ".npy"); }))
    return "is an archive of NumPy arrays (.npz); read it in Python with numpy.load and save them "
           "with torch.save";
  if (has("[Content_Types].xml")) return "is an Office document, not a checkpoint";
  if (has("META-INF/MANIFEST.MF")) return "is a jar, not a checkpoint";
  for (const std::string& name : names)
    for (const char* end : {".pt", ".pth", ".ckpt", ".bin", ".safetensors"})
      if (ends_with(name, end))
        return "is a zip that holds " + start_of(name) + " beside others; unzip it first";
  return "is a zip of something else, which starts with " + start_of(names.front()) +
         "; a checkpoint of torch.save holds a data.pkl";
}

}  // namespace

bool has_checkpoint_name(const std::filesystem::path& path) {
  const std::string extension = lower_extension(path);
  for (const char* known : {".pt", ".pth", ".ckpt", ".bin", ".tar", ".th", ".safetensors"})
    if (extension == known) return true;
  return false;
}

bool has_safetensors_name(const std::filesystem::path& path) {
  return lower_extension(path) == ".safetensors";
}

bool is_safetensors(const ByteSource& file) {
  return file.size() >= 9 && file.read_string(8, 1) == "{" &&
         get_le<uint64_t>(file.read_string(0, 8).data()) <= kMaxHeader;
}

bool is_torch_zip(const ByteSource& file) {
  if (file.size() < 4 || get_le<uint32_t>(file.read_string(0, 4).data()) != zip::kLocalSignature)
    return false;
  const std::vector<std::string> names = names_in_zip(file);
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& name) { return ends_with(name, "/data.pkl"); });
}

bool is_legacy_torch(const ByteSource& file) {
  const std::string head =
      file.read_string(0, static_cast<size_t>(std::min<uint64_t>(file.size(), 15)));
  return head.size() == 15 && head[0] == '\x80' && (head[1] == 2 || head[1] == 3) &&
         head.compare(2, kLegacyMagic.size(), kLegacyMagic) == 0 && head[14] == '.';
}

std::string no_file_kind(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  switch (fs::status(path, error).type()) {
    case fs::file_type::directory:
      break;
    case fs::file_type::fifo:
      return "is a pipe; read it as a stream (InputStream, std::istream), or into a file first";
    default:
      return "is no file but a device or a socket";
  }
  std::vector<std::string> names;
  bool sharded = false;
  for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    sharded = sharded || lower_extension(at->path()) == ".distcp";
    if (has_checkpoint_name(at->path())) names.push_back(at->path().filename().u8string());
  }
  if (sharded)
    return "is the folder of a checkpoint in shards (torch.distributed.checkpoint); make a file of "
           "it with python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER FILE";
  if (names.empty()) return "is a folder, in which no file is called as checkpoints are";
  std::sort(names.begin(), names.end());
  std::string text = "is a folder; give one of its files: ";
  for (size_t i = 0; i < names.size() && i < kNamedInFolder; ++i)
    text += (i > 0 ? ", " : "") + names[i];
  return text + (names.size() > kNamedInFolder ? ", …" : "");
}

std::string other_kind(const ByteSource& file) {
  if (file.size() == 0) return "is empty; the download or copy of it failed";
  if (is_safetensors(file)) return "";
  const std::string head = head_of(file);
  if (starts_with(head, "PK\x03\x04")) return zip_kind(file);
  if (is_legacy_torch(file)) return "";
  if (starts_with(head, kLegacyDecimal)) return pickle_kind(head);
  for (const Magic& magic : kMagics)
    if (head.compare(std::min(magic.offset, head.size()), magic.bytes.size(), magic.bytes) == 0)
      return magic.kind;
  if (looks_like_onnx(head))
    return "looks like a model of ONNX; get the checkpoint that it was exported from";
  const bool protocol = head.size() > 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5;
  if (protocol || looks_like_old_pickle(head)) return pickle_kind(head);
  if (is_tensorflow_table(file))
    return "is a checkpoint of TensorFlow; read it in Python with tf.train.load_checkpoint and "
           "save its arrays with torch.save";
  if (looks_like_msgpack(head))
    return "looks like msgpack, as Flax writes it; read it in Python with "
           "flax.serialization.msgpack_restore and save its arrays with torch.save";
  if (is_text(head)) return text_kind(head);
  if (head.find_first_not_of('\0') == std::string::npos)
    return "starts with nothing but zeros; the download or copy of it failed";
  return "";
}

}  // namespace cooper4j
