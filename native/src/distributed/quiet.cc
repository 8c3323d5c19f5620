#include "distributed/quiet.h"

#include <c10/util/Logging.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <streambuf>
#include <string>
#include <thread>

namespace cooper4j::distributed {
namespace {

/// Passes on whole lines but Gloo's, each of which a thread writes in pieces.
class WithoutGloo final : public std::streambuf {
 public:
  explicit WithoutGloo(std::streambuf* to) : to_(to) {}
  ~WithoutGloo() override {
    for (auto& [thread, line] : lines_) pass(line);
  }

 protected:
  int_type overflow(int_type c) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (c != traits_type::eof()) add(lines_[std::this_thread::get_id()], c);
    return traits_type::not_eof(c);
  }
  std::streamsize xsputn(const char* text, std::streamsize n) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::string& line = lines_[std::this_thread::get_id()];
    for (std::streamsize i = 0; i < n; ++i) add(line, text[i]);
    return n;
  }
  int sync() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return to_->pubsync();
  }

 private:
  void add(std::string& line, int_type c) {
    line += traits_type::to_char_type(c);
    if (line.back() == '\n') pass(line);
  }
  void pass(std::string& line) {
    if (line.rfind("[Gloo] Rank", 0) != 0) {
      to_->sputn(line.data(), static_cast<std::streamsize>(line.size()));
    }
    line.clear();
  }

  std::mutex mutex_;
  std::streambuf* to_;
  std::map<std::thread::id, std::string> lines_;
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
  int of_errors = 0;  // among them
  int before = 0;

  void set() const {
    const int least = of_errors > 0 ? c10::GLOG_FATAL : users > 0 ? c10::GLOG_ERROR : before;
    FLAGS_caffe2_log_level = std::max(before, least);
  }
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

QuietLog::QuietLog(Of what) : what_(what) {
  if (wants_log()) return;
  Level& l = level();
  const std::lock_guard<std::mutex> lock(l.mutex);
  if (l.users++ == 0) l.before = FLAGS_caffe2_log_level;
  if (what_ == Of::kErrors) ++l.of_errors;
  l.set();
}

QuietLog::~QuietLog() {
  if (wants_log()) return;
  Level& l = level();
  const std::lock_guard<std::mutex> lock(l.mutex);
  --l.users;
  if (what_ == Of::kErrors) --l.of_errors;
  l.set();
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
