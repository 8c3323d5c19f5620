#include "distributed/join.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "cooper4j/values.h"
#include "data_of.h"

namespace cooper4j::distributed {
namespace {

/// What begins a process's numbers; the last two are of values that are not finite.
enum Slot : uint8_t { kWeight, kAsks, kHas, kRankIfHas, kFirstValue };

std::string whose(double count, double ranks, int size) {
  if (count == 0) return "";
  const auto n = static_cast<int64_t>(count);
  return n == 1 ? "rank " + std::to_string(static_cast<int64_t>(ranks)) + " alone evaluated it so"
                : std::to_string(n) + " of " + std::to_string(size) + " ranks evaluated it so";
}

/// Where each rank's rows come among all that are dealt in turn.
std::vector<at::Tensor> places(const std::vector<int64_t>& counts) {
  std::vector<at::Tensor> places;
  for (const int64_t count : counts) places.push_back(at::empty({count}, at::kLong));
  int64_t place = 0;
  const int64_t most = *std::max_element(counts.begin(), counts.end());
  for (int64_t i = 0; i < most; ++i) {
    for (size_t rank = 0; rank < counts.size(); ++rank) {
      if (i < counts[rank]) places[rank].mutable_data_ptr<int64_t>()[i] = place++;
    }
  }
  return places;
}

}  // namespace

Join::Join(Group& group, std::vector<Entry> entries, double weight, const std::string& what,
           Agreement* agreement, bool asks)
    : own_(std::move(entries)) {
  const c10::NoGradGuard no_grad;
  const auto lock = group.use();
  const int ranks = group.size();
  const std::string text = "a roll\n" + what + (agreement != nullptr ? "compared\n" : "");
  int64_t n = kFirstValue + (agreement != nullptr ? Agreement::kSlots : 0);
  for (auto& entry : own_) {
    if (entry.rows && entry.value.dim() == 0) {
      const c10::AutoGradMode grad(true);
      entry.value = entry.value.unsqueeze(0);
    }
    n += 1 + (entry.rows ? ranks : entry.value.numel());
  }
  at::Tensor mine = at::zeros({n}, at::kDouble);
  auto* const slots = mine.mutable_data_ptr<double>();
  slots[kWeight] = weight;
  slots[kAsks] = asks ? 1 : 0;
  bool finite = true;
  std::vector<at::Tensor> means;
  for (const auto& [value, rows] : own_) {
    if (!rows) means.push_back(value);
  }
  // First all means, then of each entry whether it requires grad and how many rows it has, last
  // whether all have the same.
  double* at = slots + kFirstValue;
  read_values(means, at);
  for (const auto& mean : means) {
    for (int64_t i = 0; i < mean.numel(); ++i, ++at) {
      // The mean over no samples may be NaN.
      *at = weight > 0 ? *at * weight : 0;
      finite = finite && std::isfinite(*at);
    }
  }
  for (const auto& [value, rows] : own_) {
    *at++ = value.requires_grad() ? 1 : 0;
    if (!rows) continue;
    at[group.rank()] = static_cast<double>(value.size(0));
    at += ranks;
    // An element that is not finite leaves no sum that is.
    finite = finite && (!at::isFloatingType(value.scalar_type()) ||
                        std::isfinite(value.sum().item<double>()));
  }
  slots[kHas] = finite ? 0 : 1;
  slots[kRankIfHas] = finite ? 0 : group.rank();
  if (agreement != nullptr) agreement->write(at);
  const at::Tensor all = group.sum(text, mine);
  const auto* sums = data_of<double>(all);
  if (agreement != nullptr) agreement->check(group, sums + n - Agreement::kSlots);
  weight_ = sums[kWeight];
  asked_ = sums[kAsks] > 0;
  not_finite_ = whose(sums[kHas], sums[kRankIfHas], ranks);
  if (weight_ <= 0) {
    throw std::invalid_argument("the batch has no samples at all, in no process");
  }
  share_ = weight / weight_;

  int64_t next = kFirstValue;
  for (const auto& [value, has_rows] : own_) {
    values_.emplace_back();
    if (has_rows) continue;
    values_.back() = all.narrow(0, next, value.numel())
                         .div(weight_)
                         .view(value.sizes())
                         .to(value.device(), value.scalar_type());
    next += value.numel();
  }
  sums += next;
  std::vector<at::Tensor> rows;
  std::vector<std::vector<int64_t>> counts;
  std::vector<bool> differentiable;
  for (const auto& [value, has_rows] : own_) {
    differentiable.push_back(*sums++ > 0);
    if (!has_rows) continue;
    counts.emplace_back(sums, sums + ranks);
    rows.push_back(value.detach());
    sums += ranks;
  }
  const std::vector<at::Tensor> joined =
      rows.empty() ? std::vector<at::Tensor>() : group.gather(rows, counts);
  places_.resize(own_.size());
  size_t r = 0;
  for (size_t i = 0; i < own_.size(); ++i) {
    if (own_[i].rows) {
      const std::vector<at::Tensor> of_ranks = places(counts[r]);
      places_[i] = of_ranks[group.rank()].to(own_[i].value.device());
      values_[i] = at::empty_like(joined[r]);
      values_[i].index_copy_(0, at::cat(of_ranks).to(joined[r].device()), joined[r]);
      ++r;
    }
    values_[i].set_requires_grad(differentiable[i]);
  }
}

at::Tensor Join::gradient(size_t entry) const {
  const c10::NoGradGuard no_grad;
  const auto& [value, rows] = own_[entry];
  const at::Tensor gradient = values_[entry].grad();
  if (!gradient.defined() || !value.requires_grad()) return {};
  if (rows) return gradient.index_select(0, places_[entry]);
  return share_ > 0 ? gradient.mul(share_) : at::Tensor();
}

std::string GradientSums::describe(const std::vector<at::Tensor>& parameters) {
  std::ostringstream text;
  for (const auto& parameter : parameters) {
    text << "variable " << parameter.scalar_type() << parameter.sizes()
         << (parameter.requires_grad() ? "\n" : " without grad\n");
  }
  return text.str();
}

void GradientSums::sum(Group& group, const std::vector<at::Tensor>& parameters) {
  const c10::NoGradGuard no_grad;
  const auto lock = group.use();
  // A buffer a dtype: gradients, then whether there is one.
  std::map<at::ScalarType, std::vector<at::Tensor>> kinds;
  for (const auto& parameter : parameters) {
    if (!parameter.requires_grad()) continue;
    if (parameter.grad().defined() && parameter.grad().layout() != at::kStrided) {
      throw std::invalid_argument(
          "the gradient of a variable " + c10::str(parameter.scalar_type(), parameter.sizes()) +
          " is sparse, which is not summed over processes; let the embedding make dense ones "
          "(sparse = false)");
    }
    kinds[parameter.scalar_type()].push_back(parameter);
  }
  size_t next = 0;
  for (const auto& [dtype, some] : kinds) {
    auto n = static_cast<int64_t>(some.size());
    for (const auto& parameter : some) n += parameter.numel();
    if (buffers_.size() <= next) buffers_.emplace_back();
    at::Tensor& buffer = buffers_[next++];
    if (!buffer.defined() || buffer.numel() != n || buffer.scalar_type() != dtype) {
      buffer = at::empty({n}, at::TensorOptions(dtype).device(group.device()));
    }
    int64_t at = 0;
    int64_t flag = n - static_cast<int64_t>(some.size());
    for (const auto& parameter : some) {
      at::Tensor slot = buffer.narrow(0, at, parameter.numel());
      const at::Tensor& gradient = parameter.grad();
      if (gradient.defined()) {
        slot.view(parameter.sizes()).copy_(gradient);
      } else {
        slot.zero_();
      }
      buffer.select(0, flag++).fill_(gradient.defined() ? 1 : 0);
      at += parameter.numel();
    }
    group.all_reduce(buffer);
    at = 0;
    flag = n - static_cast<int64_t>(some.size());
    const at::Tensor flags = buffer.narrow(0, flag, n - flag).to(at::kCPU, at::kDouble);
    for (size_t i = 0; i < some.size(); ++i) {
      const at::Tensor& parameter = some[i];
      const at::Tensor slot = buffer.narrow(0, at, parameter.numel()).view(parameter.sizes());
      if (flags[static_cast<int64_t>(i)].item<double>() > 0) {
        if (parameter.grad().defined()) {
          parameter.grad().copy_(slot);
        } else {
          parameter.mutable_grad() = slot.to(parameter.device(), dtype, false, /*copy=*/true);
        }
      }
      at += parameter.numel();
    }
  }
}

}  // namespace cooper4j::distributed
