// The MNIST database of handwritten digits, read from a folder of IDX files.
#pragma once

#include <torch/types.h>

#include <filesystem>

struct Batch {
  torch::Tensor inputs;   ///< float32 [n, 1, 28, 28], normalised as torchvision does it
  torch::Tensor targets;  ///< int64 [n]
};

/// All samples of the training or the test set. Files are gzip or raw, named
/// train-images-idx3-ubyte and so on, with or without .gz. Throws std::runtime_error for what is
/// missing or malformed.
Batch load_mnist(const std::filesystem::path& folder, bool train);

/// The samples in batches, in the order in which they lie; the last batch may be smaller.
class DataLoader {
 public:
  DataLoader(Batch samples, int64_t batch_size, torch::Device device);
  int64_t size() const { return (samples_.inputs.size(0) + batch_size_ - 1) / batch_size_; }
  /// On a CPU a view of the samples.
  Batch batch(int64_t index) const;

 private:
  Batch samples_;
  int64_t batch_size_;
  torch::Device device_;
};
