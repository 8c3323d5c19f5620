// Line plots side by side in one PNG.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

struct Panel {
  std::string title;
  std::vector<double> ys;
  bool line_at_zero = false;
};

/// Draws each panel's ys over the same xs, which grow. What is not finite is left out. Titles and
/// labels take the letters that font.h has. Throws std::runtime_error if the file cannot be
/// written.
void save_plots(const std::filesystem::path& path, const std::string& x_label,
                const std::vector<double>& xs, const std::vector<Panel>& panels);
