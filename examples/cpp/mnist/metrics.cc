#include "metrics.h"

#include <charconv>
#include <cmath>
#include <stdexcept>

namespace {

/// The shortest text that reads back as the same number; NaN and Infinity as in JavaScript.
std::string text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

bool is_number(const cooper4j::Document& document, cooper4j::Node node) {
  const cooper4j::Kind kind = document.kind(node);
  return kind == cooper4j::Kind::kInt || kind == cooper4j::Kind::kFloat;
}

std::vector<double> numbers(const cooper4j::Document& document, cooper4j::Node list,
                            const std::string& name, const std::vector<double>* other) {
  std::vector<double> values;
  bool fits = list != cooper4j::kNoNode && document.kind(list) == cooper4j::Kind::kList;
  for (size_t i = 0; fits && i < document.size(list); ++i) {
    const cooper4j::Node item = document.item(list, i);
    fits = is_number(document, item);
    if (fits) values.push_back(document.as_double(item));
  }
  if (!fits || (other != nullptr && other->size() != values.size())) {
    throw std::invalid_argument("all_metrics." + name +
                                ": expected a list of numbers as long as the others");
  }
  return values;
}

}  // namespace

void Metrics::record(const std::vector<double>& row) {
  for (size_t i = 0; i < columns_.size(); ++i) columns_[i].values.push_back(row.at(i));
}

const std::vector<double>& Metrics::column(const std::string& name) const {
  for (const Column& column : columns_) {
    if (column.name == name) return column.values;
  }
  throw std::invalid_argument("no metric is called " + name);
}

cooper4j::Node Metrics::state_dict(cooper4j::Document& document) const {
  const cooper4j::Node dict = document.dict();
  for (const Column& column : columns_) {
    const cooper4j::Node list = document.list();
    for (const double value : column.values) {
      document.append(list, column.integers ? document.integer(static_cast<int64_t>(value))
                                            : document.number(value));
    }
    document.put(dict, column.name, list);
  }
  return dict;
}

void Metrics::load_state_dict(const cooper4j::Document& document, cooper4j::Node state) {
  std::vector<Column> loaded;
  for (const Column& column : columns_) {
    const auto* other = loaded.empty() ? nullptr : &loaded.front().values;
    const cooper4j::Node list = document.find(state, column.name);
    loaded.push_back({column.name, column.integers, numbers(document, list, column.name, other)});
  }
  columns_ = std::move(loaded);
}

std::string Metrics::json(double test_accuracy) const {
  std::string json = "{\n  \"all_metrics\": {";
  const char* comma = "";
  for (const Column& column : columns_) {
    json += std::string(comma) + "\n    \"" + column.name + "\": [";
    comma = ",";
    const char* separator = "";
    for (const double value : column.values) {
      json += std::string(separator) + "\n      " + text(value);
      separator = ",";
    }
    json += "\n    ]";
  }
  return json + "\n  },\n  \"test_accuracy\": " + text(test_accuracy) + "\n}";
}
