#include "cooper4j/command.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <ostream>
#include <stdexcept>

#include "checkpoint/document/tree_walk.h"
#include "checkpoint/zip/file_kind.h"
#include "cooper4j/checkpoint.h"
#include "cooper4j/safetensors.h"

namespace cooper4j {
namespace {

namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;

constexpr size_t kNamed = 8;  // skipped files that are listed

constexpr const char* kInspectUsage =
    R"(usage: inspect [--json] [--opaque] [--limit BYTES] FILE_OR_FOLDER…
Prints the tree of checkpoints (torch.save's format or safetensors): names, types, shapes, sizes,
small values. With --json, one line a file. Of a folder it takes what is named .pt, .pth, .ckpt,
.bin, .tar, .th or .safetensors, and any other file that torch.save wrote.
--opaque shows objects of classes that are not read by their class alone; else a file with one is
refused. Nothing of a file is run either way.
--limit (default 67108864) bounds what a file may cost beyond what its size explains: it may print
the limit and 20 times its size, and take three times the limit and 4 times its size of memory.
Exit code 1 if a file could not be read or nothing was found, 2 for wrong usage.
)";
constexpr const char* kConvertUsage =
    R"(usage: convert [--key NAME[.NAME…]] [--opaque] [--limit BYTES] IN OUT
Writes a checkpoint in the format that OUT's name says: .safetensors, or torch.save's for .pt, .pth,
.ckpt, .bin, .tar and .th. --key takes a part of it, such as model_state_dict; names may have dots,
and digits count in lists. A part without objects of other classes needs no --opaque.
Expanded tensors are written out for safetensors, as far as --limit allows: the limit (default
67108864) and 20 times IN's size.
Exit code 1 if it failed, 2 for wrong usage.
)";

/// Wrong usage, which gets one line and exit code 2.
struct Misuse : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What stands between a command and its paths.
struct Options {
  bool help = false;
  bool json = false;
  std::string key;
  LoadOptions load;
  Arguments paths;
};

uint64_t parse_limit(const std::string& text) {
  uint64_t limit = 0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, limit);
  if (result.ec != std::errc() || result.ptr != end)
    throw Misuse("--limit: expected a number of bytes, found '" + text + "'");
  return limit;
}

Options parse(const std::string& command, const Arguments& arguments) {
  const bool inspects = command == "inspect";
  Options options;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    const auto value = [&] {
      if (i + 1 == arguments.size()) throw Misuse(argument + ": expected a value behind it");
      return arguments[++i];
    };
    if (argument == "--help" || argument == "-h")
      options.help = true;
    else if (argument == "--json" && inspects)
      options.json = true;
    else if (argument == "--key" && !inspects)
      options.key = value();
    else if (argument == "--opaque")
      options.load.opaque = true;
    else if (argument == "--limit")
      options.load.limit = parse_limit(value());
    else if (argument.rfind("--", 0) == 0)
      throw Misuse("unknown option " + argument);
    else
      options.paths.push_back(argument);
  }
  if (options.help) return options;
  if (inspects && options.paths.empty()) throw Misuse("expected a file or a folder");
  if (!inspects && options.paths.size() != 2) throw Misuse("expected IN and OUT");
  return options;
}

bool is_checkpoint(const fs::path& path) {
  if (has_checkpoint_name(path)) return true;
  try {
    return is_torch_zip(FileSource(path));
  } catch (const CheckpointError&) {
    return false;
  }
}

/// The checkpoints below a folder in the order of their names; a file itself.
Arguments files_at(const std::string& path, std::ostream& err) {
  const fs::path folder = fs::u8path(path);
  if (!fs::is_directory(folder)) return {path};
  Arguments files, skipped;
  for (const auto& entry :
       fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied)) {
    std::error_code error;
    if (!entry.is_regular_file(error)) continue;
    (is_checkpoint(entry.path()) ? files : skipped).push_back(entry.path().u8string());
  }
  std::sort(files.begin(), files.end());
  std::sort(skipped.begin(), skipped.end());
  if (!skipped.empty()) {
    err << "inspect: skipped " << skipped.size() << " other file" << (skipped.size() > 1 ? "s" : "")
        << " in " << path << ":";
    for (size_t i = 0; i < skipped.size() && i < kNamed; ++i)
      err << (i > 0 ? ", " : " ") << fs::u8path(skipped[i]).lexically_relative(folder).u8string();
    err << (skipped.size() > kNamed ? ", …\n" : "\n");
  }
  if (files.empty()) err << "inspect: found no checkpoint in " << path << '\n';
  return files;
}

int inspect(const Options& options, std::ostream& out, std::ostream& err) {
  bool all = true;
  for (const std::string& path : options.paths) {
    const Arguments files = files_at(path, err);
    all = all && !files.empty();
    for (const std::string& file : files) {
      const bool ok = options.json ? inspect_json(file, out, options.load)
                                   : inspect_text(file, out, options.load);
      all = all && ok;
      if (!out) return 1;
    }
  }
  return all ? 0 : 1;
}

int convert_files(const Options& options, std::ostream& err) {
  for (const std::string& name : convert(fs::u8path(options.paths[0]), fs::u8path(options.paths[1]),
                                         options.key, options.load))
    err << "convert: left out " << shortened(name) << ", which is no tensor\n";
  return 0;
}

int run(const std::string& command, const Arguments& arguments, std::ostream& out,
        std::ostream& err) {
  const Options options = parse(command, arguments);
  const bool inspects = command == "inspect";
  int code = 0;
  if (options.help)
    out << (inspects ? kInspectUsage : kConvertUsage);
  else
    code = inspects ? inspect(options, out, err) : convert_files(options, err);
  errno = 0;
  if (out.flush()) return code;
  err << command << ": the output cannot be written"
      << (errno != 0 ? std::string(": ") + std::strerror(errno) : "") << '\n';
  return 1;
}

}  // namespace

int run_command(const Arguments& arguments, std::ostream& out, std::ostream& err) {
  const std::string command = arguments.empty() ? "" : arguments[0];
  if (command != "inspect" && command != "convert") {
    err << "usage: cooper4j inspect|convert …; see cooper4j inspect --help\n";
    return 2;
  }
  try {
    return run(command, {arguments.begin() + 1, arguments.end()}, out, err);
  } catch (const Misuse& e) {
    err << command << ": " << e.what() << "; see " << command << " --help\n";
    return 2;
  } catch (const std::exception& e) {
    err << command << ": " << e.what() << '\n';
    return 1;
  }
}

}  // namespace cooper4j
