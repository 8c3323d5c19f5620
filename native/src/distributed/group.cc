#include "distributed/group.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <exception>
#include <future>
#include <regex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "distributed/alone.h"
#include "distributed/checksum.h"
#include "distributed/interrupts.h"
#include "message.h"

namespace cooper4j::distributed {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// In the buffer that every call sums: two checksums, then values.
constexpr int64_t kHeader = 2 * kAlikeSlots;
constexpr int64_t kCapacity = 512;

/// Of LibTorch's and Gloo's errors what they say, without where in their sources.
std::string plain(const std::exception& e) {
  static const std::regex place(R"(\[[^\]\s]*/[^\]]*:\d+\] ?)");
  const std::string text = std::regex_replace(message(e), place, "");
  return text.substr(0, text.find('\n'));
}

/// A copy: also a tensor of one element, contiguous by definition, may have strides that no view
/// as bytes has.
at::Tensor bytes_of(const at::Tensor& tensor) {
  at::Tensor flat = at::empty({tensor.numel()}, tensor.options().requires_grad(false));
  flat.copy_(tensor.detach().reshape({-1}));
  return flat.view(at::kByte);
}

bool is_nccl(const c10d::Backend& backend) { return backend.getBackendName() == "nccl"; }

}  // namespace

Group::Group(c10::intrusive_ptr<c10d::Backend> backend,
             const c10::intrusive_ptr<c10d::Store>& store, milliseconds timeout)
    : connected_(true), rank_(backend->getRank()), size_(backend->getSize()), timeout_(timeout) {
  if (store) news_ = std::make_unique<News>(store, rank_, size_);
  connect(std::move(backend));
}

Group::Group(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size, milliseconds timeout,
             const Connect& connect)
    : news_(std::make_unique<News>(store, rank, size)),
      connected_(true),
      rank_(rank),
      size_(size),
      timeout_(timeout) {
  auto result = alone(connect);
  const auto start = Clock::now();
  int slices_since_closed = 0;
  while (result.wait_for(kSlice) != std::future_status::ready) {
    const std::string reason = reason_to_stop(start, timeout_ + kSlice, &slices_since_closed);
    if (!reason.empty()) end(reason);
  }
  try {
    this->connect(result.get());
  } catch (const std::invalid_argument& e) {  // all ranks are there, but not of one mind
    end(e.what());
  } catch (const std::exception& e) {
    end(news_->explain(plain(e)));
  }
}

void Group::connect(c10::intrusive_ptr<c10d::Backend> backend) {
  backend_ = std::move(backend);
  if (is_nccl(*backend_)) device_ = at::kCUDA;
  channel_ = at::empty({kCapacity}, at::TensorOptions(at::kDouble).device(device_));
}

Group::~Group() { close(); }

std::unique_lock<std::recursive_mutex> Group::use() {
  std::unique_lock<std::recursive_mutex> lock(in_use_, std::try_to_lock);
  if (!lock.owns_lock()) {
    if (const std::string reason = wanted(); !reason.empty()) {
      throw std::runtime_error("this process group has ended: " + reason);
    }
    throw std::logic_error(
        "another thread of rank " + std::to_string(rank_) +
        " is in a call of this process group, which is one thread's at a time; make a group for "
        "each thread");
  }
  if (!ended_.empty()) throw std::runtime_error("this process group has ended: " + ended_);
  return lock;
}

/// Waits until no thread is in a call; one that is sees that it is to leave, and why.
std::unique_lock<std::recursive_mutex> Group::end_calls(const std::string& reason) {
  {
    const std::lock_guard<std::mutex> lock(wanted_mutex_);
    if (wanted_.empty()) wanted_ = reason;
  }
  return std::unique_lock<std::recursive_mutex>(in_use_);
}

std::string Group::wanted() const {
  const std::lock_guard<std::mutex> lock(wanted_mutex_);
  return wanted_;
}

at::Tensor Group::sum(const std::string& text, const at::Tensor& values, const Apart& apart) {
  const auto lock = use();
  const std::string compared = text.substr(0, text.find('\f'));
  std::string what = text;
  what.erase(std::remove(what.begin(), what.end(), '\f'), what.end());
  const int64_t n = values.numel();
  const bool fits = kHeader + n <= kCapacity;
  ++calls_;
  call_ = what.substr(0, what.find('\n'));
  if (news_) news_->enter(calls_, call_);
  const uint64_t check = checksum(compared + " of " + std::to_string(n));
  at::Tensor buffer = at::zeros({kCapacity}, at::kDouble);
  auto* const sums = buffer.mutable_data_ptr<double>();
  write_alike(check, sums);
  write_alike(check >> 20, sums + kAlikeSlots);
  if (fits) buffer.narrow(0, kHeader, n).copy_(values);
  channel_.copy_(buffer);
  all_reduce(channel_);
  buffer.copy_(channel_);
  if (!are_alike(sums, size_) || !are_alike(sums + kAlikeSlots, size_)) {
    end_apart(apart, what);
  }
  if (fits) return buffer.narrow(0, kHeader, n).clone();
  at::Tensor all = values.to(device_, at::kDouble, false, true);
  all_reduce(all);
  return all.cpu();
}

void Group::all_reduce(at::Tensor& tensor) {
  const auto lock = use();
  std::vector<at::Tensor> tensors{tensor};
  c10d::AllreduceOptions options;
  wait(backend_->allreduce(tensors, options));
}

std::vector<at::Tensor> Group::gather(const std::vector<at::Tensor>& rows,
                                      const std::vector<std::vector<int64_t>>& counts) {
  const auto lock = use();
  // All of a rank's rows as bytes, each tensor's where its dtype may begin.
  const auto aligned = [](int64_t bytes) { return (bytes + 15) / 16 * 16; };
  std::vector<int64_t> row_bytes;
  for (const auto& tensor : rows) {
    int64_t elements = 1;
    for (int64_t d = 1; d < tensor.dim(); ++d) elements *= tensor.size(d);
    row_bytes.push_back(elements * static_cast<int64_t>(tensor.element_size()));
  }
  int64_t most = 0;
  for (int r = 0; r < size_; ++r) {
    int64_t bytes = 0;
    for (size_t i = 0; i < rows.size(); ++i) bytes += aligned(counts[i][r] * row_bytes[i]);
    most = std::max(most, bytes);
  }
  const auto options = at::TensorOptions(at::kByte).device(device_);
  at::Tensor all = at::zeros({most * size_}, options);
  if (most > 0) {
    at::Tensor mine = at::zeros({most}, options);
    int64_t at = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      const int64_t bytes = counts[i][rank_] * row_bytes[i];
      if (bytes > 0) {
        mine.narrow(0, at, bytes).copy_(bytes_of(rows[i]));
      }
      at += aligned(bytes);
    }
    wait(backend_->_allgather_base(all, mine));
  }
  std::vector<std::vector<at::Tensor>> parts(rows.size());
  for (int r = 0; r < size_; ++r) {
    int64_t at = r * most;
    for (size_t i = 0; i < rows.size(); ++i) {
      const int64_t bytes = counts[i][r] * row_bytes[i];
      auto shape = rows[i].sizes().vec();
      shape[0] = counts[i][r];
      parts[i].push_back(bytes == 0 ? at::empty(shape, rows[i].options().requires_grad(false))
                                    : all.narrow(0, at, bytes)
                                          .view(rows[i].scalar_type())
                                          .view(shape)
                                          .to(rows[i].device()));
      at += aligned(bytes);
    }
  }
  std::vector<at::Tensor> joined;
  joined.reserve(rows.size());
  for (const auto& part : parts) joined.push_back(at::cat(part));
  return joined;
}

void Group::broadcast(const std::vector<at::Tensor>& tensors, int root) {
  std::vector<at::Tensor> parts;
  for (const auto& tensor : tensors) {
    parts.push_back(bytes_of(tensor).to(device_));
  }
  at::Tensor bytes = parts.empty() ? at::empty({0}, at::kByte) : at::cat(parts);
  const auto lock = use();
  if (bytes.numel() == 0) return;
  std::vector<at::Tensor> one{bytes};
  c10d::BroadcastOptions options;
  options.rootRank = root;
  wait(backend_->broadcast(one, options));
  if (rank_ == root) return;
  int64_t at = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const int64_t n = parts[i].numel();
    const at::Tensor& target = tensors[i];
    // A copy, since a part may begin where its dtype may not.
    target.detach().copy_(
        bytes.narrow(0, at, n).clone().view(target.scalar_type()).view(target.sizes()));
    at += n;
  }
}

void Group::barrier(milliseconds timeout) {
  const milliseconds usual = std::exchange(timeout_, timeout);
  try {
    sum("a barrier", at::empty({0}, at::kDouble));
  } catch (...) {
    timeout_ = usual;
    throw;
  }
  timeout_ = usual;
}

std::string Group::reason_to_stop(Clock::time_point start, milliseconds timeout,
                                  int* slices_since_closed) {
  const News::Item news = news_ ? news_->latest() : News::Item();
  if (is_interrupted()) {
    const std::string reason =
        "rank " + std::to_string(rank_) + " was interrupted while it waited for the others";
    if (news_) news_->post(reason, true);
    return reason;
  }
  if (std::string reason = wanted(); !reason.empty()) return reason;
  // Who closes has perhaps only finished a moment earlier.
  if (!news.text.empty() && (news.failure || ++*slices_since_closed > 2)) return told(news);
  if (Clock::now() - start < timeout) return "";
  const std::string reason =
      "timed out after " + std::to_string(timeout_.count()) + " ms" + in_call();
  return news_ ? news_->explain(reason) : reason;
}

std::string Group::in_call() const {
  return calls_ == 0 ? "" : " in call " + std::to_string(calls_) + ", " + call_;
}

/// Of a rank that has merely closed, what this one still waits for.
std::string Group::told(const News::Item& news) const {
  return news.failure || calls_ == 0
             ? news.text
             : news.text + "; rank " + std::to_string(rank_) + " has come to call " +
                   std::to_string(calls_) + ", " + call_;
}

void Group::wait(const c10::intrusive_ptr<c10d::Work>& work) {
  if (is_nccl(*backend_)) {  // it only orders the stream; NCCL's own watchdog looks at timeouts
    work->wait();
    return;
  }
  const auto start = Clock::now();
  int slices_since_closed = 0;
  for (;;) {
    try {
      work->wait(std::min(kSlice, timeout_));
      return;
    } catch (const std::exception& e) {
      if (work->isCompleted()) {
        release(nullptr);
        const std::string error = plain(e) + in_call();
        if (!news_) end(error);
        const std::string reason = news_->explain(error);
        const News::Item news = news_->latest();
        end(news.text.empty() ? reason : told(news));
      }
    }
    const std::string reason = reason_to_stop(start, timeout_, &slices_since_closed);
    if (!reason.empty()) {
      release(work);
      end(reason);
    }
  }
}

/// A work that somebody still waits for keeps the connections; they end in a thread of their own.
void Group::release(c10::intrusive_ptr<c10d::Work> pending) {
  std::thread([backend = std::move(backend_), work = std::move(pending)]() mutable {
    try {
      if (work) work->wait();
    } catch (const std::exception&) {  // it was given up
    }
    work.reset();
    backend.reset();
  }).detach();
}

void Group::end_apart(const Apart& apart, const std::string& mine) {
  const std::string difference =
      news_ ? news_->difference("call/" + std::to_string(calls_) + "/", mine) : "";
  end(apart.trouble + (difference.empty() ? "" : ": " + difference) + "; " + apart.todo);
}

void Group::end(const std::string& reason) {
  ended_ = reason;
  if (news_ && news_->latest().text.empty()) news_->post(reason, true);
  close();
  throw std::runtime_error("the process group has ended: " + reason);
}

void Group::fail(const std::string& reason) {
  const std::string text = "rank " + std::to_string(rank_) + " failed: " + reason;
  const auto lock = end_calls(text);
  if (!connected_ || !ended_.empty()) return;
  ended_ = text;
  if (news_) news_->post(ended_, true);
  close();
}

void Group::close() {
  const auto lock =
      end_calls("another thread of rank " + std::to_string(rank_) + " has closed the group");
  if (ended_.empty()) ended_ = "it was closed";
  if (news_) {
    if (news_->latest().text.empty()) {
      // Who closes may have finished, or be about to throw what nobody has told the group.
      news_->post("rank " + std::to_string(rank_) + " has closed the group" +
                      (std::uncaught_exceptions() > 0 ? " because of an exception" : "") +
                      (calls_ == 0 ? " before its first call"
                                   : " after its call " + std::to_string(calls_) + ", " + call_),
                  false);
    }
    news_->linger();
    news_.reset();
  }
  backend_.reset();
}

}  // namespace cooper4j::distributed
