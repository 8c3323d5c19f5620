#include "checkpoint/legacy.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "checkpoint/document/budget.h"
#include "checkpoint/document/hash.h"
#include "checkpoint/document/storage_memory.h"
#include "checkpoint/pickle/reader.h"
#include "checkpoint/zip/little_endian.h"

namespace cooper4j {
namespace {

constexpr size_t kMagicSize = 15;  // the pickle of a number that torch chose
constexpr int64_t kProtocol = 1001;
constexpr size_t kWindow = size_t{1} << 20;
constexpr uint64_t kCountSize = 8;
constexpr PicklePlace kSmall = {"the header", true};
constexpr PicklePlace kObject = {"the pickle", true};

[[noreturn]] void no_storages(const StorageRef&) {
  throw CheckpointError("the header names a storage");
}

/// Reads the pickles one after another. How long one is shows only in reading it, so it is tried in
/// windows that grow.
class Pickles {
 public:
  explicit Pickles(const ByteSource& source, const LoadOptions& options)
      : source_(source), options_(options), budget_(source.size(), options.limit) {}

  template <typename Accept>
  void next(PicklePlace place, const std::function<void(const StorageRef&)>& check, Accept accept) {
    const uint64_t rest = source_.size() - position_;
    for (uint64_t window = std::min<uint64_t>(kWindow, rest);;
         window = std::min(4 * window, rest)) {
      Document document{budget_};
      document.budget().hold(window, "holding its pickle");
      const std::string bytes = source_.read_string(position_, window);
      PickleReader reader(bytes, document, options_, check, place);
      try {
        reader.read();
      } catch (const CheckpointError&) {
        if (!reader.ran_out() || window == rest) throw;
        spend_with(document.budget());
        continue;
      }
      spend_with(document.budget());
      document.budget().release(window);
      position_ += reader.position();
      return accept(document, reader);
    }
  }

  uint64_t position() const { return position_; }

 private:
  // What was tried before counts, too.
  void spend_with(const Budget& tried) {
    budget_.work(tried.worked() - budget_.worked(), "reading its pickles");
  }

  const ByteSource& source_;
  const LoadOptions& options_;
  Budget budget_;
  uint64_t position_ = kMagicSize;
};

void require_protocol(const Document& document) {
  if (document.kind(document.root()) == Kind::kInt && document.as_int(document.root()) == kProtocol)
    return;
  throw CheckpointError("the header: expected the protocol version " + std::to_string(kProtocol));
}

std::vector<std::string> keys_in(Document& document) {
  if (document.kind(document.root()) != Kind::kList)
    throw CheckpointError("the header: expected the list of the storages' keys");
  std::vector<std::string> keys;
  for (size_t i = 0; i < document.size(document.root()); ++i) {
    const std::string& key = document.as_string(document.item(document.root(), i));
    document.budget().hold(sizeof(key) + key.size(), "listing its storages");
    keys.push_back(key);
  }
  return keys;
}

void read_storages(const ByteSource& source, uint64_t position,
                   const std::vector<std::string>& keys, const std::vector<StorageRef>& storages,
                   const LoadOptions& options, Document& document) {
  std::unordered_map<std::string_view, const StorageRef*, SeededHash> missing;
  for (const StorageRef& ref : storages) missing.emplace(ref.key, &ref);
  for (const std::string& key : keys) {
    const auto found = missing.find(key);
    if (found == missing.end())
      throw CheckpointError("lists a storage twice, or one that no tensor has");
    const StorageRef& ref = *found->second;
    missing.erase(found);
    const uint64_t item = ref.dtype ? dtype_size(*ref.dtype) : 1;
    const auto count = get_le<uint64_t>(source.read_string(position, kCountSize).data());
    if (count != ref.nbytes / item)
      throw CheckpointError("a storage has " + std::to_string(count) + " elements, its tensors " +
                            std::to_string(ref.nbytes / item));
    Storage& storage = document.storage(ref.index);
    if (!options.map_location.empty()) storage.location = options.map_location;
    if (ref.nbytes > source.size() - position - kCountSize)
      source.read(position + kCountSize, nullptr, ref.nbytes);  // refuses before memory is taken
    document.budget().hold(ref.nbytes, "holding its storages");
    storage.data = allocate_storage(ref.nbytes);
    source.read(position + kCountSize, storage.data.get(), ref.nbytes);
    position += kCountSize + ref.nbytes;
  }
  if (!missing.empty())
    throw CheckpointError("lacks the bytes of " + std::to_string(missing.size()) + " storages");
  if (position != source.size())
    throw CheckpointError("goes on for " + std::to_string(source.size() - position) +
                          " bytes after its last storage");
}

}  // namespace

Document load_legacy(const ByteSource& source, const LoadOptions& options) {
  Pickles pickles(source, options);
  pickles.next(kSmall, no_storages,
               [](Document& document, PickleReader&) { require_protocol(document); });
  pickles.next(kSmall, no_storages, [](Document&, PickleReader&) {});  // the writer's system
  Document object;
  std::vector<StorageRef> storages;
  const auto fits = [&](const StorageRef& ref) {
    if (ref.nbytes > source.size())
      throw CheckpointError("a storage of " + std::to_string(ref.nbytes) +
                            " bytes is more than the file has");
  };
  pickles.next(kObject, fits, [&](Document& document, PickleReader& reader) {
    object = std::move(document);
    storages = reader.storages();
  });
  std::vector<std::string> keys;
  pickles.next(kSmall, no_storages,
               [&](Document& document, PickleReader&) { keys = keys_in(document); });
  read_storages(source, pickles.position(), keys, storages, options, object);
  return object;
}

}  // namespace cooper4j
