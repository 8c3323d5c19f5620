#define USE_C10D_GLOO
#include "distributed/gloo.h"

#include <cstdlib>
#include <exception>
#include <sstream>
#include <stdexcept>
#include <string>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <vector>

#include "distributed/route.h"

namespace cooper4j::distributed {
namespace {

/// The address that the others reach this process by. The machine of the store may know itself by a
/// name that stands for a loopback address, as Debian's 127.0.1.1; the other machines, if there are
/// any, then tell how they reach it.
std::string own_address(c10d::Store& store, const GlooOptions& options) {
  const Route route = route_to(options.address, options.port);
  const auto bytes = [](const std::string& text) {
    return std::vector<uint8_t>(text.begin(), text.end());
  };
  if (!route.loopback) store.set("machine", bytes(route.theirs));
  if (store.add("routes", 1) == options.size) store.set("routes known", bytes("1"));
  if (!route.loopback) return route.own;
  try {
    store.wait({"routes known"}, options.timeout);
  } catch (const std::exception&) {
    throw std::runtime_error("not all have connected within " +
                             std::to_string(options.timeout.count()) + " ms");
  }
  if (!store.check({"machine"})) return route.own;
  const auto machine = store.get("machine");
  return {machine.begin(), machine.end()};
}

}  // namespace

std::pair<c10::intrusive_ptr<c10d::Store>, int> open_store(const GlooOptions& options) {
  c10d::TCPStoreOptions tcp;
  tcp.port = static_cast<uint16_t>(options.port);
  tcp.isServer = options.hosts_store && options.rank == 0;
  tcp.numWorkers = static_cast<size_t>(options.size);
  tcp.waitWorkers = false;  // Gloo waits for all
  tcp.timeout = options.timeout;
  auto store = c10::make_intrusive<c10d::TCPStore>(options.address, tcp);
  const int port = store->getPort();
  if (options.prefix.empty()) return {store, port};
  return {c10::make_intrusive<c10d::PrefixStore>(options.prefix, store), port};
}

c10::intrusive_ptr<c10d::Backend> connect_gloo(const c10::intrusive_ptr<c10d::Store>& store,
                                               const GlooOptions& options) {
  using Gloo = c10d::ProcessGroupGloo;
  auto gloo = Gloo::Options::create(options.timeout);
  const char* names = std::getenv("GLOO_SOCKET_IFNAME");
  std::istringstream list(names != nullptr ? names : "");
  for (std::string name; std::getline(list, name, ',');) {
    if (!name.empty()) gloo->devices.push_back(Gloo::createDeviceForInterface(name));
  }
  if (gloo->devices.empty()) {
    gloo->devices.push_back(Gloo::createDeviceForHostname(own_address(*store, options)));
  }
  return c10::make_intrusive<Gloo>(store, options.rank, options.size, gloo);
}

}  // namespace cooper4j::distributed
