#include "options.h"

#include <torch/cuda.h>

#include <charconv>
#include <cmath>
#include <string>

const char* const kHelp = R"(Usage: cooper4j_mnist [options]
Trains a logistic regression classifier on MNIST under a norm constraint.
      --epochs=N       Passes over the training set. Default: 7
      --batch-size=N   Images a step. Default: 128
      --level=X        Upper bound of the model's squared L2 norm. Default: 1.0
      --data=DIR       A folder of MNIST's IDX files, gzip or raw; without it, the MNIST of the
                       source tree.
      --out=DIR        Receives checkpoint.pth, metrics.json and training.png. Default: build/mnist
      --device=DEVICE  cpu, cuda, cuda:N, or auto: CUDA when available. Default: auto
      --seed=N         Seed of the initial weights. Default: 0
      --threads=N      Threads of LibTorch's CPU kernels; every core without it.
  -h, --help           Shows this help.
)";

namespace {

template <typename Number>
Number parse(const std::string& name, const std::string& text, const char* kind) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw UserError("Invalid value for option '" + name + "': '" + text + "' is not " + kind);
  }
  return value;
}

template <typename Number>
Number at_least_1(const std::string& name, const std::string& text) {
  const auto value = parse<Number>(name, text, "an int");
  if (value < 1) throw UserError(name + ": expected at least 1, found " + text);
  return value;
}

double level(const std::string& name, const std::string& text) {
  const auto value = parse<double>(name, text, "a number");
  if (!(value > 0) || !std::isfinite(value)) {
    throw UserError(name + ": expected a finite number above 0, found " + text);
  }
  return value;
}

torch::Device device(const std::string& name) {
  const bool cuda = torch::cuda::is_available();
  if (name == "auto") return cuda ? torch::kCUDA : torch::kCPU;
  if (name == "cpu") return torch::kCPU;
  const std::string prefix = "cuda:";
  const bool numbered = name.compare(0, prefix.size(), prefix) == 0;
  if (name != "cuda" && !numbered) {
    throw UserError("--device: expected cpu, cuda, cuda:N or auto, found '" + name + "'");
  }
  const int index = numbered ? parse<int>("--device", name.substr(prefix.size()), "an int") : 0;
  if (!cuda) {
    throw UserError("--device: '" + name +
                    "' needs a CUDA device and LibTorch's CUDA build; use cpu or auto");
  }
  const auto count = static_cast<int>(torch::cuda::device_count());
  if (index < 0 || index >= count) {
    throw UserError("--device: '" + name +
                    "' does not exist; the last CUDA device is cuda:" + std::to_string(count - 1));
  }
  return {torch::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

/// Returns false for an option that there is not.
bool set(Options& options, const std::string& name, const std::string& value) {
  if (name == "--epochs") {
    options.epochs = at_least_1<int>(name, value);
  } else if (name == "--batch-size") {
    options.batch_size = at_least_1<int64_t>(name, value);
  } else if (name == "--level") {
    options.level = level(name, value);
  } else if (name == "--data") {
    options.data = value;
  } else if (name == "--out") {
    options.out = value;
  } else if (name == "--device") {
    options.device = device(value);
  } else if (name == "--seed") {
    options.seed = parse<int64_t>(name, value, "a long");
  } else if (name == "--threads") {
    options.threads = at_least_1<int>(name, value);
  } else {
    return false;
  }
  return true;
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  options.device = device("auto");
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "-h" || argument == "--help") {
      options.help = true;
      continue;
    }
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const bool separate = equals == std::string::npos;
    if (separate && i + 1 == argc) {
      throw UserError("Unknown option, or one without its value: '" + argument + "'");
    }
    if (!set(options, name, separate ? argv[++i] : argument.substr(equals + 1))) {
      throw UserError("Unknown option: '" + argument + "'");
    }
  }
  return options;
}
