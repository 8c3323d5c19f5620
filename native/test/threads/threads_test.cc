#include "cooper4j/threads.h"

#include <ATen/Parallel.h>

#include "../check.h"

namespace {

TEST(elementwise_work_keeps_to_one_thread_unless_asked_for_more) {
  cooper4j::init_threads();
  cooper4j::use_threads_for(1 << 30);
  const int elementwise = at::get_num_threads();

  at::set_num_threads(2);
  cooper4j::init_threads();

  CHECK(at::get_num_threads() == 2 || at::intraop_default_num_threads() == 2);
  at::set_num_threads(elementwise);
}

TEST(a_number_once_set_stays) {
  cooper4j::set_num_threads(3);
  cooper4j::use_threads_for(1);
  CHECK(cooper4j::num_threads() == 3);

  CHECK_THROWS(cooper4j::set_num_threads(-1), "the number of threads is -1; give at least 1");
  CHECK(cooper4j::num_threads() == 3);

  cooper4j::set_num_threads(0);
  CHECK(cooper4j::num_threads() == 0);
}

}  // namespace

CHECK_MAIN()
