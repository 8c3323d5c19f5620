// Stands in for libFuzzer where the compiler has none: replays the seeds, then changes them at
// random.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Bytes = std::vector<uint8_t>;

class Mutator {
 public:
  explicit Mutator(const std::vector<Bytes>& seeds) : seeds_(seeds) {}

  Bytes next() {
    Bytes bytes = seeds_[below(seeds_.size())];
    for (size_t n = 1 + below(8); n > 0; --n) change(bytes);
    return bytes;
  }

 private:
  size_t below(size_t bound) { return bound == 0 ? 0 : random_() % bound; }

  void change(Bytes& bytes) {
    const size_t at = below(bytes.size());
    if (bytes.empty()) {
      bytes.push_back(static_cast<uint8_t>(random_()));
      return;
    }
    const auto here = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    switch (below(6)) {
      case 0:
        *here ^= static_cast<uint8_t>(1u << below(8));
        break;
      case 1:
        *here = static_cast<uint8_t>(random_());
        break;
      case 2:
        *here = below(2) ? 0xFF : 0x7F;
        break;
      case 3:
        bytes.erase(here, here + static_cast<std::ptrdiff_t>(
                                     1 + below(std::min<size_t>(16, bytes.size() - at))));
        break;
      case 4:
        bytes.insert(here, 1 + below(8), static_cast<uint8_t>(random_()));
        break;
      default: {
        const Bytes& other = seeds_[below(seeds_.size())];
        const size_t from = below(other.size());
        const size_t count = std::min(1 + below(32), other.size() - from);
        bytes.insert(here, other.begin() + static_cast<std::ptrdiff_t>(from),
                     other.begin() + static_cast<std::ptrdiff_t>(from + count));
      }
    }
  }

  const std::vector<Bytes>& seeds_;
  std::mt19937_64 random_{0};
};

}  // namespace

int main(int argc, char** argv) {
  double seconds = 60;
  std::vector<Bytes> seeds = {{}};
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.rfind("-max_total_time=", 0) == 0) seconds = std::stod(argument.substr(16));
    if (argument[0] == '-') continue;
    for (const auto& entry : std::filesystem::directory_iterator(argument)) {
      std::ifstream in(entry.path(), std::ios::binary);
      seeds.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
  }
  for (const Bytes& seed : seeds) LLVMFuzzerTestOneInput(seed.data(), seed.size());
  Mutator mutator(seeds);
  size_t runs = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  for (; std::chrono::steady_clock::now() < end; ++runs) {
    const Bytes bytes = mutator.next();
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::cout << seeds.size() << " seeds, " << runs << " changed ones: nothing found\n";
}
