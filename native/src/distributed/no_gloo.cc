// In gloo.cc's place on other systems than Linux.
#include <stdexcept>

#include "distributed/gloo.h"

namespace cooper4j::distributed {

std::pair<c10::intrusive_ptr<c10d::Store>, int> open_store(const GlooOptions& /*options*/) {
  throw std::runtime_error("groups of several processes need Linux; use one of a single process");
}

c10::intrusive_ptr<c10d::Backend> connect_gloo(const c10::intrusive_ptr<c10d::Store>& /*store*/,
                                               const GlooOptions& /*options*/) {
  return {};  // there is no store to come with
}

}  // namespace cooper4j::distributed
