#include "optim/optimizers/merged.h"

#include "check.h"

namespace {

using at::Tensor;

TEST(rows_that_come_more_than_once_have_their_sum_at_every_place) {
  at::manual_seed(0);
  for (int64_t count : {0, 1, 2, 50}) {
    const Tensor rows = at::randint(7, {count});
    const Tensor values = at::randn({count, 3}, at::kDouble);
    const Tensor gradient = at::_sparse_coo_tensor_unsafe(rows.unsqueeze(0), values, {7, 3});

    const cooper4j::optim::MergedRows merged(gradient);

    const Tensor sums = gradient.to_dense().index_select(0, merged.rows);
    CHECK(merged.rows.numel() == count);
    CHECK(at::allclose(merged.values, sums));
    CHECK(merged.rows.equal(std::get<0>(rows.sort())));
  }
}

}  // namespace

CHECK_MAIN()
