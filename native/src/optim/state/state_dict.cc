#include "cooper4j/optim/state_dict.h"

#include <c10/core/GradMode.h>
#include <c10/util/Type.h>

#include <stdexcept>
#include <unordered_map>

#include "cooper4j/optim/step.h"
#include "optim/optimizers/nupi_gains.h"
#include "optim/state/kept.h"
#include "optim/state/layouts.h"
#include "optim/state/loader.h"
#include "optim/state/saver.h"

namespace cooper4j {
namespace {

using namespace cooper4j::optim;
using torch::optim::Optimizer;
using torch::optim::OptimizerParamGroup;
using States = std::remove_reference_t<decltype(std::declval<Optimizer&>().state())>;

template <typename Type>
bool is(const Optimizer& optimizer) {
  return dynamic_cast<const Type*>(&optimizer) != nullptr;
}

/// Calls body(Layout) for the optimizer's type.
template <typename Body>
auto with_layout(const Optimizer& optimizer, Body body) {
  using namespace torch::optim;
  if (is<SGD>(optimizer)) return body(SGDLayout());
  if (is<Adam>(optimizer)) return body(AdamLayout<AdamOptions, AdamParamState, false>());
  if (is<AdamW>(optimizer)) return body(AdamLayout<AdamWOptions, AdamWParamState, true>());
  if (is<RMSprop>(optimizer)) return body(RMSpropLayout());
  if (is<Adagrad>(optimizer)) return body(AdagradLayout());
  if (is<LBFGS>(optimizer)) return body(LBFGSLayout());
  if (is<cooper4j::Adamax>(optimizer)) return body(AdamaxLayout());
  if (is<cooper4j::SparseAdam>(optimizer)) return body(SparseAdamLayout());
  if (is<ExtraSGD>(optimizer)) return body(ExtraSGDLayout());
  if (is<ExtraAdam>(optimizer)) return body(ExtraAdamLayout());
  if (is<NuPI>(optimizer)) return body(NuPILayout());
  throw std::invalid_argument(
      "no state dict layout is known for " + c10::demangle(typeid(optimizer).name()) +
      "; use SGD, Adam, AdamW, Adamax, SparseAdam, RMSprop, Adagrad, LBFGS, ExtraSGD, ExtraAdam or "
      "NuPI");
}

template <typename Layout>
Node save(Document& document, const Optimizer& optimizer, bool maximize) {
  const Node states = document.dict();
  const Node groups = document.list();
  const auto kept = kept_groups(optimizer);
  int64_t index = 0;
  for (const auto& group : optimizer.param_groups()) {
    // LibTorch's accessors give references to non-const objects only.
    auto options = static_cast<const typename Layout::Options&>(group.options());
    Node group_dict = document.dict();
    StateSaver group_saver(document, group_dict, maximize);
    Layout::visit_options(group_saver, options);
    const size_t g = document.size(groups);
    if (kept != nullptr && g < kept->groups.size()) {
      group_dict = merge_group(document, group_dict, group_saver.constants(), *kept, g);
    }
    const Node indices = document.list();
    for (const auto& param : group.params()) {
      document.append(indices, document.integer(index));
      const auto entry = optimizer.state().find(param.unsafeGetTensorImpl());
      if (entry != optimizer.state().end()) {
        auto state = static_cast<const typename Layout::State&>(*entry->second);
        const Node state_dict = document.dict();
        StateSaver state_saver(document, state_dict, maximize);
        Layout::visit_state(state_saver, state, options);
        document.put(states, document.integer(index), state_dict);
      }
      ++index;
    }
    document.put(group_dict, "params", indices);
    document.append(groups, group_dict);
  }
  const Node root = document.dict();
  document.put(root, "state", states);
  document.put(root, "param_groups", groups);
  return root;
}

std::string join(const std::string& path, size_t i) { return path + "." + std::to_string(i); }

/// Reads a whole state dict into temporaries, which commit() then moves into the optimizer.
template <typename Layout>
class Loader {
 public:
  Loader(Optimizer& optimizer, Document& document, bool maximize)
      : optimizer_(optimizer),
        document_(document),
        maximize_(maximize),
        budget_(copying_budget(document)) {}

  void read(Node root) {
    if (!document_.is_dict(root)) refuse_node("state dict", "a dict", document_, root);
    read_groups(document_.find(root, "param_groups"));
    read_states(document_.find(root, "state"));
  }

  void commit() {
    for (size_t g = 0; g < options_.size(); ++g) {
      // Assigned, not replaced: a caller may hold on to the group's options.
      static_cast<typename Layout::Options&>(optimizer_.param_groups()[g].options()) =
          std::move(options_[g]);
    }
    optimizer_.state().swap(states_);
    keep_groups<typename Layout::State>(optimizer_, std::move(kept_));
  }

 private:
  struct Slot {
    at::Tensor param;
    size_t group;
  };

  void read_groups(Node list) {
    const auto& groups = optimizer_.param_groups();
    if (list == kNoNode || document_.kind(list) != Kind::kList) {
      refuse_node("param_groups", "a list", document_, list);
    }
    if (document_.size(list) != groups.size()) {
      throw std::invalid_argument("param_groups: expected " + std::to_string(groups.size()) +
                                  " groups, found " + std::to_string(document_.size(list)));
    }
    for (size_t g = 0; g < groups.size(); ++g) {
      const Node dict = document_.item(list, g);
      const std::string path = join("param_groups", g);
      options_.push_back(static_cast<const typename Layout::Options&>(groups[g].options()));
      StateLoader loader(document_, dict, path, maximize_, budget_);
      Layout::visit_options(loader, options_.back());
      check_options(path, options_.back(), groups[g]);
      keep_group(document_, dict, *kept_);
      read_indices(path + ".params", document_.find(dict, "params"), g);
    }
  }

  void check_options(const std::string& path, const NuPIOptions& options,
                     const OptimizerParamGroup& group) {
    try {
      check_gains(options, group.params());
    } catch (const std::invalid_argument& e) {
      throw std::invalid_argument(path + ": " + e.what());
    }
  }
  template <typename Options>
  void check_options(const std::string& path, const Options& options, const OptimizerParamGroup&) {
    at_path(path, [&] { Layout::check(options); });
  }

  template <typename Check>
  static void at_path(const std::string& path, Check check) {
    try {
      check();
    } catch (const std::invalid_argument& e) {
      throw std::invalid_argument(path + "." + e.what());
    }
  }

  void read_indices(const std::string& path, Node list, size_t g) {
    const auto& params = optimizer_.param_groups()[g].params();
    if (list == kNoNode || document_.kind(list) != Kind::kList) {
      refuse_node(path, "a list", document_, list);
    }
    if (document_.size(list) != params.size()) {
      throw std::invalid_argument(path + ": expected " + std::to_string(params.size()) +
                                  " parameters, found " + std::to_string(document_.size(list)));
    }
    for (size_t i = 0; i < params.size(); ++i) {
      const Node index = document_.item(list, i);
      if (document_.kind(index) != Kind::kInt ||
          !slots_.emplace(document_.as_int(index), Slot{params[i], g}).second) {
        refuse_node(join(path, i), "an int that no other parameter has", document_, index);
      }
      numel_ += params[i].numel();
    }
  }

  void read_states(Node dict) {
    if (dict == kNoNode || !document_.is_dict(dict)) {
      refuse_node("state", "a dict", document_, dict);
    }
    for (size_t i = 0; i < document_.size(dict); ++i) {
      const Node key = document_.key(dict, i);
      const auto slot =
          document_.kind(key) == Kind::kInt ? slots_.find(document_.as_int(key)) : slots_.end();
      if (slot == slots_.end()) {
        refuse_node("state", "keys that param_groups list under params", document_, key);
      }
      read_state("state." + document_.decimal(key), document_.value(dict, i), slot->second);
    }
    if (!Layout::kAlwaysHasState) return;
    for (const auto& [index, slot] : slots_) {
      if (states_.find(slot.param.unsafeGetTensorImpl()) == states_.end()) {
        refuse_node("state." + std::to_string(index), "a state", document_, kNoNode);
      }
    }
  }

  void read_state(const std::string& path, Node dict, const Slot& slot) {
    StateLoader loader(document_, dict, path, maximize_, budget_, slot.param, numel_);
    // Python makes an empty dict for a parameter it only looked at.
    if (document_.size(dict) == 0 && !Layout::kMayBeEmpty) return;
    auto state = std::make_unique<typename Layout::State>();
    Layout::visit_state(loader, *state, options_[slot.group]);
    at_path(path, [&] { Layout::check(*state, options_[slot.group]); });
    if (Layout::has_content(*state)) {
      states_[slot.param.unsafeGetTensorImpl()] = std::move(state);
    }
  }

  Optimizer& optimizer_;
  Document& document_;
  bool maximize_;
  Budget budget_;
  std::vector<typename Layout::Options> options_;
  std::unordered_map<int64_t, Slot> slots_;  // by Python's index
  int64_t numel_ = 0;
  States states_;
  std::shared_ptr<KeptGroups> kept_ = std::make_shared<KeptGroups>();
};

}  // namespace

Node state_dict(Document& document, const Optimizer& optimizer, bool maximize) {
  c10::NoGradGuard no_grad;
  return with_layout(optimizer, [&](auto layout) {
    return save<decltype(layout)>(document, optimizer, maximize);
  });
}

double initial_lr(Optimizer& optimizer, size_t group) {
  constexpr const char* kKey = "initial_lr";
  const double present = lr(optimizer, group);
  auto kept = kept_groups(optimizer);
  if (kept == nullptr || group >= kept->groups.size()) {
    Document document;
    const Node groups = document.at(state_dict(document, optimizer, false), "param_groups");
    kept = std::make_shared<KeptGroups>();
    for (size_t g = 0; g < document.size(groups); ++g) {
      keep_group(document, document.item(groups, g), *kept);
    }
    with_layout(optimizer, [&](auto layout) {
      keep_groups<typename decltype(layout)::State>(optimizer, kept);
    });
  }
  const Node dict = kept->groups[group];
  const Node known = kept->document.find(dict, kKey);
  if (known != kNoNode) return number_of(kept->document, known).value_or(present);
  kept->document.put(dict, kKey, kept->document.number(present));
  return present;
}

void load_state_dict(Optimizer& optimizer, Document& document, Node state, bool maximize,
                     bool dry) {
  c10::NoGradGuard no_grad;
  with_layout(optimizer, [&](auto layout) {
    Loader<decltype(layout)> loader(optimizer, document, maximize);
    loader.read(state);
    if (!dry) loader.commit();
  });
}

}  // namespace cooper4j
