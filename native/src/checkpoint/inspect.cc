#include "checkpoint/inspect/inspect.h"

#include <filesystem>
#include <optional>
#include <ostream>

#include "checkpoint/document/json_text.h"
#include "checkpoint/load.h"
#include "cooper4j/checkpoint.h"

namespace cooper4j {

namespace {

/// What reading the file and counting its tree throws; "" if it can be shown.
template <typename Tree>
std::string load_to_show(const std::string& path, const LoadOptions& options, Tree tree,
                         std::optional<Document>& document) {
  try {
    document.emplace(load_any(std::filesystem::u8path(path), options));
    tree(*document, nullptr);
    return "";
  } catch (const std::exception& e) {
    return e.what();
  }
}

}  // namespace

// The tree is counted before a byte of it is written: whether the file is in order stands first.
bool inspect_json(const std::string& path, std::ostream& out, const LoadOptions& options) {
  std::string line = "{\"file\": ";
  append_json_string(line, path);
  std::optional<Document> document;
  const std::string error = load_to_show(path, options, json_tree, document);
  if (!error.empty()) {
    line += ", \"ok\": false, \"error\": ";
    append_json_string(line, error);
    out << line << "}\n";
    return false;
  }
  out << line << ", \"ok\": true, \"tree\": ";
  json_tree(*document, &out);
  out << "}\n";
  return true;
}

bool inspect_text(const std::string& path, std::ostream& out, const LoadOptions& options) {
  std::optional<Document> document;
  const std::string error = load_to_show(path, options, text_tree, document);
  if (!error.empty()) {
    out << "cannot read " << error << '\n';
    return false;
  }
  std::error_code unknown;
  out << path << ", "
      << format_bytes(std::filesystem::file_size(std::filesystem::u8path(path), unknown)) << '\n';
  text_tree(*document, &out);
  return true;
}

}  // namespace cooper4j
