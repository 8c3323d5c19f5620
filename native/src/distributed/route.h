// By which of its addresses this machine reaches another.
#pragma once

#include <string>

namespace cooper4j::distributed {

/// The numerical address of this machine on the way to a host. The name of this machine itself does
/// not do: it may stand for a loopback address. Throws std::runtime_error if there is no way.
std::string address_towards(const std::string& host, int port);

}  // namespace cooper4j::distributed
