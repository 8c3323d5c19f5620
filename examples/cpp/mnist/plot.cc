#include "plot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "font.h"
#include "png.h"

namespace {

constexpr int kPanelWidth = 600;
constexpr int kPanelHeight = 500;
constexpr int kLeft = 110;
constexpr int kRight = 20;
constexpr int kTop = 50;
constexpr int kBottom = 80;
constexpr int kScale = 2;
constexpr int kAdvance = 6 * kScale;

void draw_text(Picture& picture, int x, int y, const std::string& text) {
  for (const char letter : text) {
    for (const Glyph& glyph : kFont) {
      if (glyph.letter != letter) continue;
      for (int i = 0; i < 8 * 5 * kScale * kScale; ++i) {
        const int column = i % (5 * kScale);
        const int row = i / (5 * kScale);
        if ((glyph.rows[row / kScale] >> (4 - column / kScale) & 1) != 0) {
          picture.set(x + column, y + row, Colour::kBlack);
        }
      }
    }
    x += kAdvance;
  }
}

void draw_centred(Picture& picture, int x, int y, const std::string& text) {
  draw_text(picture, x - static_cast<int>(text.size()) * kAdvance / 2, y, text);
}

/// A line two pixels wide.
void draw_line(Picture& picture, double x0, double y0, double x1, double y1, Colour colour) {
  const int steps = 1 + static_cast<int>(std::max(std::abs(x1 - x0), std::abs(y1 - y0)));
  for (int i = 0; i <= steps; ++i) {
    const int x = static_cast<int>(std::lround(x0 + (x1 - x0) * i / steps));
    const int y = static_cast<int>(std::lround(y0 + (y1 - y0) * i / steps));
    for (const auto& [dx, dy] : {std::pair{0, 0}, {1, 0}, {0, 1}, {1, 1}}) {
      picture.set(x + dx, y + dy, colour);
    }
  }
}

/// Maps values to pixels, with a margin of 5% at both ends.
struct Axis {
  double least = 0;
  double most = 1;
  double first_pixel = 0;
  double last_pixel = 0;

  Axis(const std::vector<double>& values, double first, double last)
      : first_pixel(first), last_pixel(last) {
    bool any = false;
    for (const double value : values) {
      if (!std::isfinite(value)) continue;
      least = any ? std::min(least, value) : value;
      most = any ? std::max(most, value) : value;
      any = true;
    }
    const double margin = most > least ? 0.05 * (most - least) : 0.5;
    least -= margin;
    most += margin;
  }

  double pixel(double value) const {
    return first_pixel + (last_pixel - first_pixel) * (value - least) / (most - least);
  }

  /// Multiples of 1, 2 or 5 times a power of ten, about five of them.
  std::vector<double> ticks() const {
    const double rough = (most - least) / 5;
    const double power = std::pow(10, std::floor(std::log10(rough)));
    const double digit = rough / power;
    const double step = power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
    std::vector<double> ticks;
    const auto last = static_cast<int64_t>(std::floor(most / step));
    for (auto k = static_cast<int64_t>(std::ceil(least / step)); k <= last; ++k) {
      ticks.push_back(static_cast<double>(k) * step);
    }
    return ticks;
  }
};

std::string label(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

void draw_panel(Picture& picture, int left, const std::string& x_label,
                const std::vector<double>& xs, const Panel& panel) {
  const int x0 = left + kLeft;
  const int x1 = left + kPanelWidth - kRight;
  const int y0 = kPanelHeight - kBottom;
  const Axis x(xs, x0, x1);
  const Axis y(panel.ys, y0, kTop);

  draw_centred(picture, (x0 + x1) / 2, kTop - 30, panel.title);
  draw_centred(picture, (x0 + x1) / 2, y0 + 45, x_label);
  for (const double tick : x.ticks()) {
    draw_line(picture, x.pixel(tick), y0, x.pixel(tick), y0 + 6, Colour::kBlack);
    draw_centred(picture, static_cast<int>(x.pixel(tick)), y0 + 14, label(tick));
  }
  for (const double tick : y.ticks()) {
    const std::string text = label(tick);
    draw_line(picture, x0 - 6, y.pixel(tick), x0, y.pixel(tick), Colour::kBlack);
    draw_text(picture, x0 - 10 - static_cast<int>(text.size()) * kAdvance,
              static_cast<int>(y.pixel(tick)) - 7, text);
  }
  if (panel.line_at_zero && y.least < 0 && y.most > 0) {
    draw_line(picture, x0, y.pixel(0), x1, y.pixel(0), Colour::kGray);
  }
  for (size_t i = 1; i < xs.size(); ++i) {
    if (!std::isfinite(panel.ys[i - 1]) || !std::isfinite(panel.ys[i])) continue;
    draw_line(picture, x.pixel(xs[i - 1]), y.pixel(panel.ys[i - 1]), x.pixel(xs[i]),
              y.pixel(panel.ys[i]), Colour::kBlue);
  }
  draw_line(picture, x0, y0, x1, y0, Colour::kBlack);
  draw_line(picture, x0, kTop, x1, kTop, Colour::kBlack);
  draw_line(picture, x0, y0, x0, kTop, Colour::kBlack);
  draw_line(picture, x1, y0, x1, kTop, Colour::kBlack);
}

}  // namespace

void save_plots(const std::filesystem::path& path, const std::string& x_label,
                const std::vector<double>& xs, const std::vector<Panel>& panels) {
  Picture picture{kPanelWidth * static_cast<int>(panels.size()), kPanelHeight};
  int left = 0;
  for (const Panel& panel : panels) {
    draw_panel(picture, left, x_label, xs, panel);
    left += kPanelWidth;
  }
  write_png(path, picture);
}
