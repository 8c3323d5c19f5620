#define USE_C10D_GLOO
#include "distributed/gloo.h"

#include <cstdlib>
#include <sstream>
#include <string>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "distributed/route.h"

namespace cooper4j::distributed {

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
    gloo->devices.push_back(
        Gloo::createDeviceForHostname(address_towards(options.address, options.port)));
  }
  return c10::make_intrusive<Gloo>(store, options.rank, options.size, gloo);
}

}  // namespace cooper4j::distributed
