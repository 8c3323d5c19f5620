// The options of the program; the Java tutorial has the same ones.
#pragma once

#include <torch/types.h>

#include <filesystem>
#include <stdexcept>

struct Options {
  int64_t epochs = 7;
  int64_t batch_size = 128;
  double level = 1.0;
  std::filesystem::path data = MNIST_FOLDER;
  std::filesystem::path out = "build/mnist";
  torch::Device device = torch::kCPU;
  int64_t seed = 0;
  int threads = 0;  ///< 0: every core
  bool help = false;

  std::filesystem::path checkpoint() const { return out / "checkpoint.pth"; }
};

extern const char* const kHelp;

/// What the user can mend: one line and exit code 2.
struct UserError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Throws UserError for an option that no training can have.
Options parse_options(int argc, char** argv);
