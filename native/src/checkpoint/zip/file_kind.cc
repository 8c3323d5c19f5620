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
constexpr std::string_view kLegacyMagic("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19", 14);

struct Magic {
  size_t offset;
  std::string_view bytes;
  const char* kind;
};

using namespace std::string_view_literals;

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

std::string other_kind(const ByteSource& file) {
  if (file.size() == 0) return "is empty; the download or copy of it failed";
  if (is_safetensors(file)) return "";
  const std::string head = head_of(file);
  if (starts_with(head, "PK\x03\x04")) return zip_kind(file);
  if (starts_with(head, kLegacyMagic)) return "";
  for (const Magic& magic : kMagics)
    if (head.compare(std::min(magic.offset, head.size()), magic.bytes.size(), magic.bytes) == 0)
      return magic.kind;
  if (looks_like_onnx(head))
    return "looks like a model of ONNX; get the checkpoint that it was exported from";
  if (head.size() > 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5)
    return "is a pickle, which torch.save did not write and which could run code; load it in "
           "Python if you trust it, and save it with torch.save";
  if (is_text(head)) return text_kind(head);
  if (head.find_first_not_of('\0') == std::string::npos)
    return "starts with nothing but zeros; the download or copy of it failed";
  return "";
}

}  // namespace cooper4j
