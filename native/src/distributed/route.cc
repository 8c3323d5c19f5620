#include "distributed/route.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <stdexcept>

namespace cooper4j::distributed {
namespace {

std::string number(const sockaddr* address, socklen_t length) {
  char text[NI_MAXHOST];
  const bool known =
      getnameinfo(address, length, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0;
  return known ? text : "";
}

bool is_loopback(const std::string& address) {
  return address.rfind("127.", 0) == 0 || address == "::1" || address.rfind("::ffff:127.", 0) == 0;
}

}  // namespace

Route route_to(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failed != 0) {
    throw std::runtime_error("the address '" + host + "' is not known: " + gai_strerror(failed));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(found, freeaddrinfo);
  for (const addrinfo* to = found; to != nullptr; to = to->ai_next) {
    // Connecting a datagram socket sends nothing: it only chooses the way.
    const int socket = ::socket(to->ai_family, SOCK_DGRAM, 0);
    if (socket < 0) continue;
    sockaddr_storage own{};
    socklen_t length = sizeof own;
    auto* const address = reinterpret_cast<sockaddr*>(&own);
    const bool is_way = connect(socket, to->ai_addr, to->ai_addrlen) == 0 &&
                        getsockname(socket, address, &length) == 0;
    close(socket);
    Route route{is_way ? number(address, length) : "", number(to->ai_addr, to->ai_addrlen), false};
    if (route.own.empty() || route.theirs.empty()) continue;
    route.loopback = is_loopback(route.own);
    return route;
  }
  throw std::runtime_error("there is no way to '" + host + "'");
}

}  // namespace cooper4j::distributed
