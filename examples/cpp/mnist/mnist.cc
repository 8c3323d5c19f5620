#include "mnist.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "idx_file.h"

namespace {

constexpr int64_t kSide = 28;
constexpr int kDigits = 10;

std::filesystem::path find(const std::filesystem::path& folder, const std::string& stem,
                           const std::string& kind) {
  if (!std::filesystem::is_directory(folder)) {
    throw std::runtime_error(folder.string() + ": not a folder of MNIST's IDX files");
  }
  for (const std::string& name : {stem + "-" + kind, stem + "." + kind}) {
    for (const char* suffix : {".gz", ""}) {
      std::filesystem::path file = folder / (name + suffix);
      if (std::filesystem::is_regular_file(file)) return file;
    }
  }
  const std::string name = stem + "-" + kind;
  throw std::runtime_error(folder.string() + ": expected a file " + name + " or " + name +
                           ".gz in it");
}

torch::Tensor inputs(const IdxFile& images) {
  std::array<float, 256> normalised{};
  for (int value = 0; value < 256; ++value) {
    // torchvision's ToTensor, then Normalize((0.1307,), (0.3081,)).
    normalised[value] = (static_cast<float>(value) / 255.0F - 0.1307F) / 0.3081F;
  }
  torch::Tensor tensor = torch::empty({images.shape[0], 1, kSide, kSide});
  std::transform(images.elements.begin(), images.elements.end(), tensor.mutable_data_ptr<float>(),
                 [&](char pixel) { return normalised[static_cast<unsigned char>(pixel)]; });
  return tensor;
}

torch::Tensor targets(const IdxFile& labels) {
  torch::Tensor tensor = torch::empty({labels.shape[0]}, torch::kLong);
  auto* target = tensor.mutable_data_ptr<int64_t>();
  for (const char element : labels.elements) {
    const auto label = static_cast<unsigned char>(element);
    if (label >= kDigits) {
      throw std::runtime_error(labels.path.string() + ": expected labels from 0 to 9");
    }
    *target++ = label;
  }
  return tensor;
}

}  // namespace

Batch load_mnist(const std::filesystem::path& folder, bool train) {
  const std::string set = train ? "train" : "t10k";
  const IdxFile images = IdxFile::read(find(folder, set + "-images", "idx3-ubyte"));
  const IdxFile labels = IdxFile::read(find(folder, set + "-labels", "idx1-ubyte"));
  if (images.shape.size() != 3 || images.shape[0] == 0 || images.shape[1] != kSide ||
      images.shape[2] != kSide) {
    throw std::runtime_error(images.path.string() +
                             ": expected images of shape [n, 28, 28], n > 0, found " +
                             c10::str(images.shape));
  }
  if (labels.shape.size() != 1 || labels.shape[0] != images.shape[0]) {
    throw std::runtime_error(labels.path.string() + ": expected one label for each of the " +
                             std::to_string(images.shape[0]) + " images, found shape " +
                             c10::str(labels.shape));
  }
  return {inputs(images), targets(labels)};
}

DataLoader::DataLoader(Batch samples, int64_t batch_size, torch::Device device)
    : samples_(std::move(samples)), batch_size_(batch_size), device_(device) {}

Batch DataLoader::batch(int64_t index) const {
  const int64_t first = index * batch_size_;
  const int64_t length = std::min(batch_size_, samples_.inputs.size(0) - first);
  return {samples_.inputs.narrow(0, first, length).to(device_),
          samples_.targets.narrow(0, first, length).to(device_)};
}
