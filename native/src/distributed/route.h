// By which of its addresses this machine reaches another.
#pragma once

#include <string>

namespace cooper4j::distributed {

/// Numerical addresses of both ends.
struct Route {
  std::string own;
  std::string theirs;
  bool loopback;  ///< whether it stays in this machine
};

/// The way to a host. This machine's name itself would not do: it may stand for a loopback address.
/// Throws std::runtime_error if there is no way.
Route route_to(const std::string& host, int port);

}  // namespace cooper4j::distributed
