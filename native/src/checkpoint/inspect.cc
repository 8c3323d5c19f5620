#include "checkpoint/inspect/inspect.h"

#include <filesystem>

#include "checkpoint/document/json_text.h"
#include "checkpoint/load.h"
#include "cooper4j/checkpoint.h"
#include "message.h"

namespace cooper4j {

std::string inspect_json(const std::string& path, bool* ok) {
  std::string line = "{\"file\": ";
  append_json_string(line, path);
  try {
    const Document document = load_any(path);
    line += ", \"ok\": true, \"tree\": " + json_tree(document) + "}";
    if (ok != nullptr) *ok = true;
  } catch (const std::exception& e) {
    line += ", \"ok\": false, \"error\": ";
    append_json_string(line, e.what());
    line += "}";
    if (ok != nullptr) *ok = false;
  }
  return line;
}

std::string inspect_text(const std::string& path, bool* ok) {
  try {
    const std::string lines = text_tree(load_any(path));
    std::string text = path + ", " + format_bytes(std::filesystem::file_size(path)) + "\n" + lines;
    if (ok != nullptr) *ok = true;
    return text;
  } catch (const std::exception& e) {
    if (ok != nullptr) *ok = false;
    return std::string("cannot read ") + message(e) + "\n";
  }
}

}  // namespace cooper4j
