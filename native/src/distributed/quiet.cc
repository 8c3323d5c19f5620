#include "distributed/quiet.h"

#include <c10/util/Logging.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <mutex>
#include <streambuf>
#include <string>

namespace cooper4j::distributed {
namespace {

/// Passes on whole lines but Gloo's.
class WithoutGloo final : public std::streambuf {
 public:
  explicit WithoutGloo(std::streambuf* to) : to_(to) {}
  ~WithoutGloo() override { pass(); }

 protected:
  int_type overflow(int_type c) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (c != traits_type::eof()) add(traits_type::to_char_type(c));
    return traits_type::not_eof(c);
  }
  std::streamsize xsputn(const char* text, std::streamsize n) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (std::streamsize i = 0; i < n; ++i) add(text[i]);
    return n;
  }
  int sync() override { return to_->pubsync(); }

 private:
  void add(char c) {
    line_ += c;
    if (c == '\n') pass();
  }
  void pass() {
    if (line_.rfind("[Gloo] Rank", 0) != 0) {
      to_->sputn(line_.data(), static_cast<std::streamsize>(line_.size()));
    }
    line_.clear();
  }

  std::mutex mutex_;
  std::streambuf* to_;
  std::string line_;
};

/// What is changed while somebody wants it so.
struct Output {
  std::mutex mutex;
  int users = 0;
  std::unique_ptr<WithoutGloo> filter;
  std::streambuf* out = nullptr;
};

struct Level {
  std::mutex mutex;
  int users = 0;
  int before = 0;
};

// Never destroyed: a group's thread may outlive main().

Output& output() {
  static auto* instance = new Output;
  return *instance;
}

Level& level() {
  static auto* instance = new Level;
  return *instance;
}

bool wants_log() {
  static const bool wants = std::getenv("TORCH_CPP_LOG_LEVEL") != nullptr;
  return wants;
}

}  // namespace

QuietLog::QuietLog() {
  Level& l = level();
  const std::lock_guard<std::mutex> lock(l.mutex);
  if (wants_log() || l.users++ > 0) return;
  l.before = FLAGS_caffe2_log_level;
  FLAGS_caffe2_log_level = std::max(l.before, static_cast<int>(c10::GLOG_ERROR));
}

QuietLog::~QuietLog() {
  Level& l = level();
  const std::lock_guard<std::mutex> lock(l.mutex);
  if (!wants_log() && --l.users == 0) FLAGS_caffe2_log_level = l.before;
}

Quiet::Quiet() {
  Output& o = output();
  const std::lock_guard<std::mutex> lock(o.mutex);
  if (o.users++ > 0) return;
  o.filter = std::make_unique<WithoutGloo>(std::cout.rdbuf());
  o.out = std::cout.rdbuf(o.filter.get());
}

Quiet::~Quiet() {
  Output& o = output();
  const std::lock_guard<std::mutex> lock(o.mutex);
  if (--o.users > 0) return;
  std::cout.rdbuf(o.out);
  o.filter.reset();
}

}  // namespace cooper4j::distributed
