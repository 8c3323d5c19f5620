// A test runner in one header. TEST(name) { … } defines and registers a test; CHECK and
// CHECK_THROWS report and go on. One source of a test binary defines main through CHECK_MAIN().
#pragma once

#include <exception>
#include <functional>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace check {

struct Case {
  const char* name;
  std::function<void()> body;
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

inline int& failures() {
  static int count = 0;
  return count;
}

inline bool add(const char* name, std::function<void()> body) {
  cases().push_back({name, std::move(body)});
  return true;
}

inline void fail(const char* file, int line, const std::string& what) {
  ++failures();
  std::cerr << file << ":" << line << ": " << what << "\n";
}

template <typename Body>
void throws(const char* file, int line, const char* text, const std::string& part, Body body) {
  try {
    body();
  } catch (const std::exception& e) {
    if (std::string(e.what()).find(part) == std::string::npos)
      fail(file, line, std::string(text) + " threw \"" + e.what() + "\", without \"" + part + "\"");
    return;
  }
  fail(file, line, std::string(text) + " did not throw");
}

template <typename A, typename B>
void equal(const char* file, int line, const char* text, const A& expected, const B& actual) {
  if (expected == actual) return;
  std::ostringstream out;
  out << text << ": expected " << expected << ", was " << actual;
  fail(file, line, out.str());
}

/// Runs the tests whose name contains argv[1] (all without it); 0 when none failed.
inline int run(int argc, char** argv) {
  const std::string filter = argc > 1 ? argv[1] : "";
  int ran = 0;
  for (const Case& test : cases()) {
    if (std::string(test.name).find(filter) == std::string::npos) continue;
    const int before = failures();
    ++ran;
    try {
      test.body();
    } catch (const std::exception& e) {
      ++failures();
      std::cerr << test.name << ": threw " << e.what() << "\n";
    }
    std::cout << (failures() == before ? "ok    " : "FAIL  ") << test.name << std::endl;
  }
  std::cout << ran << " tests, " << failures() << " failures" << std::endl;
  return failures() == 0 && ran > 0 ? 0 : 1;
}

}  // namespace check

#define TEST(name)                                                               \
  static void check_test_##name();                                               \
  static const bool check_added_##name = ::check::add(#name, check_test_##name); \
  static void check_test_##name()

// LibTorch's logging has macros of these names.
#undef CHECK
#undef CHECK_EQ
#undef CHECK_THROWS

#define CHECK(condition)                                                                 \
  do {                                                                                   \
    if (!(condition)) ::check::fail(__FILE__, __LINE__, "CHECK(" #condition ") failed"); \
  } while (false)

#define CHECK_EQ(expected, actual) \
  ::check::equal(__FILE__, __LINE__, "CHECK_EQ(" #expected ", " #actual ")", (expected), (actual))

#define CHECK_THROWS(expression, part) \
  ::check::throws(__FILE__, __LINE__, #expression, (part), [&] { (void)(expression); })

#define CHECK_MAIN() \
  int main(int argc, char** argv) { return ::check::run(argc, argv); }
