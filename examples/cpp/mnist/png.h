// PNG pictures of a few colours, written without a compressor.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

/// Four colours are enough for plots, and two bits a pixel keep the file small.
enum class Colour : uint8_t { kWhite, kBlack, kBlue, kGray };

struct Picture {
  int width;
  int height;
  std::vector<Colour> pixels = std::vector<Colour>(static_cast<size_t>(width) * height);

  /// Outside the picture nothing is drawn.
  void set(int x, int y, Colour colour) {
    if (x < 0 || y < 0 || x >= width || y >= height) return;
    pixels[static_cast<size_t>(y) * width + x] = colour;
  }
};

/// Throws std::runtime_error if the file cannot be written.
void write_png(const std::filesystem::path& path, const Picture& picture);
