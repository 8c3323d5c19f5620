#include "checkpoint/load.h"

#include <istream>
#include <memory>
#include <sstream>
#include <string>
#include <unordered_set>

#include "checkpoint/document/budget.h"
#include "checkpoint/document/device_name.h"
#include "checkpoint/document/hash.h"
#include "checkpoint/document/storage_memory.h"
#include "checkpoint/legacy.h"
#include "checkpoint/pickle/reader.h"
#include "checkpoint/zip/byte_source.h"
#include "checkpoint/zip/file_kind.h"
#include "checkpoint/zip/parallel.h"
#include "checkpoint/zip/reader.h"
#include "cooper4j/checkpoint.h"
#include "cooper4j/safetensors.h"

namespace cooper4j {
namespace {

constexpr uint64_t kMaxSmallRecord = 64;
constexpr uint64_t kParallelFrom = uint64_t{32} << 20;
constexpr unsigned kMaxThreads = 4;
constexpr int kMinVersion = 1;
constexpr int kMaxVersion = 10;

const ZipRecord& require_record(const ZipReader& zip, const std::string& name) {
  const ZipRecord* record = zip.find(name);
  if (!record)
    throw CheckpointError("has no record '" + name + "'; it is no checkpoint of torch.save");
  return *record;
}

void check_version(const ZipReader& zip) {
  std::string text = zip.read_string(require_record(zip, "version"), kMaxSmallRecord);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const bool digits = !text.empty() && text.size() <= 2 &&
                      text.find_first_not_of("0123456789") == std::string::npos;
  const int version = digits ? std::stoi(text) : 0;
  if (version < kMinVersion || version > kMaxVersion)
    throw CheckpointError("record 'version': expected 1 to 10, found '" + text.substr(0, 16) + "'");
}

bool needs_byteswap(const ZipReader& zip) {
  const ZipRecord* record = zip.find("byteorder");
  if (!record) return false;
  const std::string order = zip.read_string(*record, kMaxSmallRecord);
  if (order != "little" && order != "big")
    throw CheckpointError("record 'byteorder': expected little or big");
  return order == "big";
}

std::string storage_record(const StorageRef& storage) { return "data/" + storage.key; }

void check_storage(const ZipReader& zip, const StorageRef& storage) {
  const ZipRecord& record = require_record(zip, storage_record(storage));
  if (record.size != storage.nbytes)
    throw CheckpointError("record '" + record.name + "' has " + std::to_string(record.size) +
                          " bytes, its storage needs " + std::to_string(storage.nbytes));
}

void read_storages(const ZipReader& zip, const PickleReader& pickle, const LoadOptions& options,
                   Document& document) {
  std::vector<const ZipRecord*> records;
  uint64_t bytes = 0;
  for (const StorageRef& ref : pickle.storages()) {
    records.push_back(&require_record(zip, storage_record(ref)));
    bytes += records.back()->size;
    Storage& storage = document.storage(ref.index);
    if (!options.map_location.empty()) storage.location = options.map_location;
    document.budget().hold(records.back()->size, "holding its storages");
    storage.data = allocate_storage(records.back()->size);
  }
  // Fresh pages and checksums cost more than the reading, so cores help.
  const size_t threads =
      bytes < kParallelFrom ? 1 : std::min(kMaxThreads, std::thread::hardware_concurrency());
  for_each_index(records.size(), threads, [&](size_t i) {
    zip.read(*records[i], document.storage(pickle.storages()[i].index).data.get());
  });
}

// Records that nothing refers to are checked too: damage there is damage.
void verify_rest(const ZipReader& zip, const PickleReader& pickle) {
  std::unordered_set<std::string, SeededHash> read = {"data.pkl", "version", "byteorder"};
  for (const StorageRef& storage : pickle.storages()) read.insert(storage_record(storage));
  for (const ZipRecord& record : zip.records())
    if (!read.count(record.name)) zip.verify(record);
}

Document load_from(const ByteSource& source, const LoadOptions& options) {
  if (is_safetensors(source))
    throw CheckpointError(
        "is a safetensors file, which SafeTensors.load reads (load_safetensors in C++)");
  const std::string other = other_kind(source);
  if (!other.empty()) throw CheckpointError(other);
  if (is_legacy_torch(source)) return load_legacy(source, options);
  Document document{Budget(source.size(), options.limit)};
  const ZipReader zip(source, document.budget());
  const ZipRecord& data = require_record(zip, "data.pkl");
  if (zip.find("constants.pkl")) throw CheckpointError(kIsTorchScript);
  check_version(zip);
  const bool swap = needs_byteswap(zip);
  document.budget().hold(data.size, "holding data.pkl");
  const std::string pickle = zip.read_string(data, data.size);
  PickleReader reader(pickle, document, options,
                      [&](const StorageRef& storage) { check_storage(zip, storage); });
  reader.read();
  read_storages(zip, reader, options, document);
  if (swap) {
    std::vector<uint32_t> storages;
    for (const StorageRef& ref : reader.storages()) storages.push_back(ref.index);
    byteswap_storages(document, storages);
  }
  verify_rest(zip, reader);
  document.budget().release(data.size);
  return document;
}

void check_options(const LoadOptions& options) {
  if (!options.map_location.empty() && !is_device_name(options.map_location))
    throw std::invalid_argument(
        "map_location: expected a device such as 'cpu' or 'cuda:0', found '" +
        options.map_location + "'");
}

}  // namespace

Document load(const std::filesystem::path& path, const LoadOptions& options) {
  check_options(options);
  try {
    return load_from(FileSource(path), options);
  } catch (const CheckpointError& e) {
    throw CheckpointError(path.u8string() + ": " + e.what());
  } catch (const std::bad_alloc&) {
    throw CheckpointError(path.u8string() + ": needs more memory than there is");
  }
}

Document load(std::istream& in, const LoadOptions& options) {
  std::ostringstream bytes;
  // An empty stream sets failbit of what it is written to, and is no checkpoint either.
  if (in.peek() != std::istream::traits_type::eof()) bytes << in.rdbuf();
  if (in.bad()) throw CheckpointError("the stream cannot be read");
  return load_bytes(bytes.str(), options);
}

Document load_bytes(std::string_view file, const LoadOptions& options) {
  check_options(options);
  return load_from(MemorySource(file), options);
}

Document load_any(const std::filesystem::path& path, const LoadOptions& options) {
  bool safetensors = false;
  try {
    safetensors = is_safetensors(FileSource(path));
  } catch (const CheckpointError& e) {
    throw CheckpointError(path.u8string() + ": " + e.what());
  }
  return safetensors ? load_safetensors(path, options) : load(path, options);
}

}  // namespace cooper4j
