// Calls that block and cannot be told to stop.
#pragma once

#include <chrono>
#include <exception>
#include <future>
#include <thread>
#include <utility>

namespace cooper4j::distributed {

/// How long one waits before one looks whether to go on waiting.
constexpr std::chrono::milliseconds kSlice{500};

/// What a function returns or throws, which a thread of its own calls: whoever gives up may go, as
/// he could not with std::async's, and the thread ends when the function does.
template <typename Function>
auto alone(Function function) -> std::future<decltype(function())> {
  std::promise<decltype(function())> promise;
  auto result = promise.get_future();
  std::thread([promise = std::move(promise), function = std::move(function)]() mutable {
    try {
      promise.set_value(function());
    } catch (const std::exception&) {
      promise.set_exception(std::current_exception());
    }
  }).detach();
  return result;
}

}  // namespace cooper4j::distributed
