// Where a checkpoint's bytes go: a file, a stream or a string.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

#include "cooper4j/checkpoint.h"

namespace cooper4j {

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  void write(std::string_view bytes) {
    accept(bytes);
    position_ += bytes.size();
  }
  uint64_t position() const { return position_; }

 protected:
  virtual void accept(std::string_view bytes) = 0;

 private:
  uint64_t position_ = 0;
};

class StringSink : public ByteSink {
 public:
  std::string take() { return std::move(bytes_); }

 private:
  void accept(std::string_view bytes) override { bytes_.append(bytes); }
  std::string bytes_;
};

class StreamSink : public ByteSink {
 public:
  explicit StreamSink(std::ostream& out) : out_(out) {}

 private:
  void accept(std::string_view bytes) override {
    if (!out_.write(bytes.data(), static_cast<std::streamsize>(bytes.size())))
      throw CheckpointError("the stream cannot be written");
  }
  std::ostream& out_;
};

}  // namespace cooper4j
