// What the param_groups of a loaded state held, so that what LibTorch has no place for is saved
// again as it came: Python's schedulers keep their rates there, and people their names.
#pragma once

#include <torch/optim/optimizer.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cooper4j/document.h"

namespace cooper4j::optim {

/// One dict a group, without "params"; immutable once an optimizer has it.
struct KeptGroups {
  Document document;
  std::vector<Node> groups;
};

struct HasKeptGroups {
  virtual ~HasKeptGroups() = default;
  std::shared_ptr<KeptGroups> kept;
};

/// An entry among an optimizer's states, under the optimizer's own address, so that it goes when
/// the optimizer goes. LibTorch takes every entry to be of the optimizer's type, which this is.
template <typename State>
struct KeptState final : State, HasKeptGroups {};

/// Null when the optimizer has none.
std::shared_ptr<KeptGroups> kept_groups(const torch::optim::Optimizer& optimizer);

template <typename State>
void keep_groups(torch::optim::Optimizer& optimizer, std::shared_ptr<KeptGroups> groups) {
  auto entry = std::make_unique<KeptState<State>>();
  entry->kept = std::move(groups);
  optimizer.state()[&optimizer] = std::move(entry);
}

/// Copies a group's dict, without "params", to the end of `kept`.
void keep_group(const Document& from, Node dict, KeptGroups& kept);

/// A number of any type, or a tensor of one; none for anything else.
std::optional<double> number_of(Document& document, Node node);

/// Whether both are the same value to Python, be it an int on one side and a float on the other.
bool same_value(Document& a, Node left, Document& b, Node right);

/// The dict to save for a group: the keys of `kept` in their order, then those that only `written`
/// has. A kept value stays where it is the same one still, or where `written` says a constant.
Node merge_group(Document& document, Node written, const std::vector<std::string>& constants,
                 KeptGroups& kept, size_t group);

}  // namespace cooper4j::optim
