// Values recorded during a training: a list a name, all of the same length.
#pragma once

#include <cooper4j/document.h>

#include <string>
#include <vector>

class Metrics {
 public:
  /// Integers are kept as such by a checkpoint and by JSON.
  struct Column {
    std::string name;
    bool integers = false;
    std::vector<double> values = {};
  };

  explicit Metrics(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// Appends one value of each name, in the order of the names.
  void record(const std::vector<double>& row);
  const std::vector<double>& column(const std::string& name) const;

  /// A dict of lists, for a checkpoint.
  cooper4j::Node state_dict(cooper4j::Document& document) const;
  /// Throws std::invalid_argument if a list is missing, has no numbers or another length.
  void load_state_dict(const cooper4j::Document& document, cooper4j::Node state);

  /// {"all_metrics": {…}, "test_accuracy": …} as JSON.
  std::string json(double test_accuracy) const;

 private:
  std::vector<Column> columns_;
};
