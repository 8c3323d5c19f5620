#include "distributed/rendezvous.h"

#include <torch/headeronly/version.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <future>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "distributed/alone.h"
#include "distributed/gloo.h"
#include "distributed/interrupts.h"
#include "distributed/quiet.h"
#include "message.h"

namespace cooper4j::distributed {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

[[noreturn]] void refuse(const char* name, const std::string& expected) {
  const std::string text = variable(name);
  throw std::invalid_argument(
      std::string("the environment variable ") + name +
      (text.empty() ? " is not set" : " is '" + text + "'") + "; expected " + expected +
      ": RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT must all be set, as torchrun does, or "
      "neither RANK nor WORLD_SIZE for a process alone");
}

int number(const char* name, int least, int most) {
  const std::string text = variable(name);
  char* end = nullptr;
  const long value = std::strtol(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || value < least || value > most) {
    refuse(name, "a number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return static_cast<int>(value);
}

void check(const GlooOptions& options) {
  if (options.size < 1 || options.rank < 0 || options.rank >= options.size) {
    throw std::invalid_argument("rank " + std::to_string(options.rank) + " of " +
                                std::to_string(options.size) +
                                " processes; ranks go from 0 to their number - 1");
  }
  if (options.address.empty()) {
    throw std::invalid_argument("the address of the store is empty; give a name or a number");
  }
  const bool may_choose = options.rank == 0 && options.hosts_store;
  if (options.port < (may_choose ? 0 : 1) || options.port > 65535) {
    throw std::invalid_argument(
        "the port is " + std::to_string(options.port) +
        "; expected one from 1 to 65535, or 0 in rank 0 to have one chosen");
  }
  if (options.timeout <= std::chrono::milliseconds::zero()) {
    throw std::invalid_argument("the timeout is " + std::to_string(options.timeout.count()) +
                                " ms; it must be positive");
  }
}

/// Of two processes that take themselves for the same the later one goes, and leaves the group be.
void require_new(c10d::Store& store, int rank) {
  const std::string name = "rank " + std::to_string(rank);
  if (store.add("came/" + name, 1) > 1) {
    throw std::invalid_argument("another process has come as " + name +
                                " before; give each a rank (RANK) of its own, and each job a port "
                                "(MASTER_PORT)");
  }
}

/// Other versions may say other things to each other, and other numbers wait for nobody.
void require_alike(c10d::Store& store, const GlooOptions& options) {
  const std::string mine =
      "LibTorch " TORCH_VERSION " and " + std::to_string(options.size) + " processes (WORLD_SIZE)";
  if (options.rank == 0) store.set("first", std::vector<uint8_t>(mine.begin(), mine.end()));
  const auto bytes = store.get("first");
  const std::string first(bytes.begin(), bytes.end());
  if (first != mine) {
    throw std::invalid_argument("rank 0 has " + first + ", rank " + std::to_string(options.rank) +
                                " has " + mine + "; all must have the same");
  }
}

}  // namespace

Rendezvous::Rendezvous(GlooOptions options) : options_(std::move(options)) {
  check(options_);
  const std::string rank = "rank " + std::to_string(options_.rank);
  const bool opens = options_.hosts_store && options_.rank == 0;
  const std::string store =
      "the store at " + options_.address + ":" + std::to_string(options_.port);
  const std::string failed = rank + (opens ? " could not open " : " did not reach ") + store;
  auto opened = alone([options = options_] {
    const QuietLog quiet(QuietLog::Of::kErrors);
    auto found = open_store(options);
    require_new(*found.first, options.rank);
    return found;
  });
  // c10d begins its own timeout anew for each attempt.
  const auto until = std::chrono::steady_clock::now() + options_.timeout;
  while (opened.wait_for(std::min(kSlice, options_.timeout)) != std::future_status::ready) {
    if (is_interrupted()) {
      throw std::runtime_error(rank + " was interrupted while it waited for " + store);
    }
    if (std::chrono::steady_clock::now() > until + kSlice) {
      throw std::runtime_error(
          failed + " within " + std::to_string(options_.timeout.count()) + " ms: " +
          (opens ? "is that an address of this machine?" : "is rank 0 up, and the address right?"));
    }
  }
  try {
    std::tie(store_, options_.port) = opened.get();
  } catch (const std::invalid_argument&) {
    throw;
  } catch (const std::exception& e) {
    const std::string text = message(e);
    throw std::runtime_error(failed + ": " + text.substr(0, text.find('\n')));
  }
  store_->setTimeout(options_.timeout);
  if (options_.listening) options_.listening(options_.port);
}

std::unique_ptr<Group> Rendezvous::connect() const {
  const auto run = [store = store_, options = options_] {
    const Quiet quiet;
    require_alike(*store, options);
    return connect_gloo(store, options);
  };
  return std::make_unique<Group>(store_, options_.rank, options_.size, options_.timeout, run);
}

GlooOptions options_of_environment(std::chrono::milliseconds timeout) {
  GlooOptions options;
  options.timeout = timeout;
  if (variable("RANK").empty() && variable("WORLD_SIZE").empty()) return options;
  constexpr int kMost = 1 << 30;
  options.rank = number("RANK", 0, kMost);
  options.size = number("WORLD_SIZE", 1, kMost);
  options.port = number("MASTER_PORT", 1, 65535);
  options.address = variable("MASTER_ADDR");
  if (options.address.empty()) refuse("MASTER_ADDR", "rank 0's machine");
  // torchrun's agent has a store, in which keys of the attempts before are left.
  options.hosts_store = variable("TORCHELASTIC_USE_AGENT_STORE") != "True";
  const std::string attempt = variable("TORCHELASTIC_RESTART_COUNT");
  static std::atomic<int> groups{0};
  options.prefix = "cooper4j/" + (attempt.empty() ? "0" : attempt) + "/" + std::to_string(groups++);
  return options;
}

}  // namespace cooper4j::distributed
