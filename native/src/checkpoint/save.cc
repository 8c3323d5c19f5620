#include <string>

#include "checkpoint/pickle/writer.h"
#include "checkpoint/zip/atomic_file.h"
#include "checkpoint/zip/writer.h"
#include "cooper4j/checkpoint.h"

namespace cooper4j {
namespace {

// torch names the root folder after the file; where its zip writer cannot, it says "archive".
std::string root_folder(const std::filesystem::path& path) {
  const std::string stem = path.stem().u8string();
  for (unsigned char c : stem)
    if (c < 0x20 || c >= 0x7F || c == '\\') return "archive";
  return stem.empty() || stem == "." || stem == ".." ? "archive" : stem;
}

void write(ByteSink& sink, const Document& document, Node root, const SaveOptions& options,
           const std::string& name) {
  PickleWriter pickle(document);
  const std::string data = pickle.write(root);
  ZipWriter zip(sink, name, options.crc32);
  zip.add("data.pkl", data);
  zip.add(".format_version", "1");
  zip.add(".storage_alignment", "64");
  zip.add("byteorder", "little");
  for (size_t i = 0; i < pickle.storages().size(); ++i) {
    const Storage& storage = document.storage(pickle.storages()[i]);
    if (storage.nbytes > 0 && !storage.data)
      throw std::invalid_argument("storage " + std::to_string(pickle.storages()[i]) +
                                  " has no data yet");
    zip.add("data/" + std::to_string(i),
            {static_cast<const char*>(storage.data.get()), storage.nbytes});
  }
  zip.add("version", "3\n");
  zip.finish();
}

}  // namespace

void save(const std::filesystem::path& path, const Document& document, Node root,
          const SaveOptions& options) {
  AtomicFile file(path);
  write(file, document, root, options, root_folder(path));
  file.commit();
}

void save(std::ostream& out, const Document& document, Node root, const SaveOptions& options) {
  StreamSink sink(out);
  write(sink, document, root, options, "archive");
}

std::string save_bytes(const Document& document, Node root, const SaveOptions& options,
                       std::string_view name) {
  StringSink sink;
  write(sink, document, root, options, std::string(name));
  return sink.take();
}

}  // namespace cooper4j
