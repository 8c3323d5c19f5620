#include "log.h"

#include <atomic>
#include <mutex>
#include <unordered_set>

namespace cooper4j {
namespace {

std::atomic<Logger> logger{nullptr};

bool is_new(const std::string& line) {
  static std::mutex mutex;
  static auto* const said = new std::unordered_set<std::string>;  // outlives every thread
  const std::lock_guard<std::mutex> lock(mutex);
  return said->insert(line).second;
}

}  // namespace

void set_logger(Logger receiver) { logger = receiver; }

bool is_logging() { return logger.load(std::memory_order_relaxed) != nullptr; }

void log_once(const std::string& line) {
  const Logger receiver = logger;
  if (receiver != nullptr && is_new(line)) receiver(line);
}

}  // namespace cooper4j
