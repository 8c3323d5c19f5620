#include "checkpoint/document/budget.h"

#include <string>

#include "cooper4j/checkpoint.h"

namespace cooper4j {
namespace {

constexpr uint64_t kStepsAByte = 8;
constexpr uint64_t kMemoryAByte = 4;
constexpr uint64_t kMemoryLimits = 3;
constexpr uint64_t kOutputAByte = 20;

/// factor * limit + slope * bytes, as far as there are numbers.
uint64_t bound(uint64_t factor, uint64_t limit, uint64_t slope, uint64_t bytes) {
  uint64_t base = 0, sum = 0;
  if (__builtin_mul_overflow(factor, limit, &base) || __builtin_mul_overflow(slope, bytes, &sum) ||
      __builtin_add_overflow(base, sum, &sum))
    return UINT64_MAX;
  return sum;
}

}  // namespace

Budget::Budget(uint64_t file_bytes, uint64_t limit)
    : bounded_(true), file_bytes_(file_bytes), limit_(limit) {
  work_.bound = bound(1, limit, kStepsAByte, file_bytes);
  memory_.bound = bound(kMemoryLimits, limit, kMemoryAByte, file_bytes);
  output_.bound = bound(1, limit, kOutputAByte, file_bytes);
}

void Budget::refuse(const char* what, const char* unit, const Account& account) const {
  throw CheckpointError(std::string(what) + " goes beyond the " + std::to_string(account.bound) +
                        " " + unit + " that a file of " + std::to_string(file_bytes_) +
                        " bytes may cost; if it has to be read, raise the limit of " +
                        std::to_string(limit_));
}

}  // namespace cooper4j
