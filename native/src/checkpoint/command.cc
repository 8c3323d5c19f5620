#include "cooper4j/command.h"

#include <algorithm>
#include <filesystem>
#include <ostream>

#include "cooper4j/checkpoint.h"
#include "cooper4j/safetensors.h"
#include "message.h"

namespace cooper4j {
namespace {

namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;

constexpr const char* kInspectUsage =
    "usage: inspect [--json] FILE_OR_FOLDER…\n"
    "Prints the tree of checkpoints (torch.save's format or safetensors): names, types, shapes,\n"
    "sizes, small values. With --json, one line a file. Exit code 1 if a file could not be read.\n";
constexpr const char* kConvertUsage =
    "usage: convert [--key NAME[.NAME…]] IN OUT\n"
    "Converts a checkpoint of torch.save to safetensors, or back. --key takes a dict inside it,\n"
    "such as model_state_dict.\n";

int misuse(std::ostream& err, const std::string& command, const std::string& why) {
  err << command << ": " << why << "; see " << command << " --help\n";
  return 2;
}

/// The files below a folder in the order of their names; a file itself.
Arguments files_at(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return {path};
  Arguments files;
  for (fs::recursive_directory_iterator it(path, error), end; it != end; it.increment(error)) {
    const std::string extension = it->path().extension().string();
    const bool checkpoint =
        extension == ".pt" || extension == ".pth" || extension == ".safetensors";
    if (checkpoint && it->is_regular_file(error)) files.push_back(it->path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

int inspect(const Arguments& arguments, std::ostream& out, std::ostream& err) {
  bool json = false;
  Arguments paths;
  for (const std::string& argument : arguments) {
    if (argument == "--help" || argument == "-h") return out << kInspectUsage, 0;
    if (argument == "--json")
      json = true;
    else if (argument.rfind("--", 0) == 0)
      return misuse(err, "inspect", "unknown option " + argument);
    else
      paths.push_back(argument);
  }
  if (paths.empty()) return misuse(err, "inspect", "expected a file or a folder");
  bool all = true;
  for (const std::string& path : paths) {
    for (const std::string& file : files_at(path)) {
      bool ok = false;
      if (json)
        out << inspect_json(file, &ok) << '\n';
      else
        out << inspect_text(file, &ok);
      all = all && ok;
    }
  }
  return all ? 0 : 1;
}

int convert_files(const Arguments& arguments, std::ostream& out, std::ostream& err) {
  std::string key;
  Arguments paths;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--help" || argument == "-h") return out << kConvertUsage, 0;
    if (argument == "--key" && i + 1 < arguments.size())
      key = arguments[++i];
    else if (argument.rfind("--", 0) == 0)
      return misuse(err, "convert", "unknown option " + argument);
    else
      paths.push_back(argument);
  }
  if (paths.size() != 2) return misuse(err, "convert", "expected IN and OUT");
  convert(paths[0], paths[1], key);
  return 0;
}

}  // namespace

int run_command(const Arguments& arguments, std::ostream& out, std::ostream& err) {
  const std::string command = arguments.empty() ? "" : arguments[0];
  const Arguments rest(arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end());
  try {
    if (command == "inspect") return inspect(rest, out, err);
    if (command == "convert") return convert_files(rest, out, err);
  } catch (const std::exception& e) {
    err << command << ": " << message(e) << '\n';
    return 1;
  }
  err << "usage: cooper4j inspect|convert …; see cooper4j inspect --help\n";
  return 2;
}

}  // namespace cooper4j
