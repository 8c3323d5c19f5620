#include "cooper4j/distributed.h"

#include <ATen/ATen.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/optim/sgd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <future>
#include <iterator>
#include <thread>

#include "check.h"
#include "cooper4j/cooper4j.h"

namespace {

using namespace cooper4j;

GlooOptions of_two() {
  GlooOptions options;
  options.address = "127.0.0.1";
  options.size = 2;
  options.timeout = std::chrono::seconds(60);
  return options;
}

/// Runs two ranks, threads of this process; what they return.
template <typename Rank>
auto both(Rank rank) {
  std::promise<int> port;
  GlooOptions options = of_two();
  auto second = std::async(std::launch::async, [&, options]() mutable {
    options.rank = 1;
    options.port = port.get_future().get();
    ProcessGroup group(options);
    return rank(group);
  });
  options.port = 0;
  options.listening = [&](int chosen) { port.set_value(chosen); };
  ProcessGroup group(options);
  auto first = rank(group);
  return std::make_pair(first, second.get());
}

/// Least squares whose mean residual and largest weight are constrained, over rows of one batch.
struct Regression : ConstrainedMinimizationProblem {
  explicit Regression(double start) : w(at::full({2}, start, at::kDouble).requires_grad_(true)) {}

  at::Tensor w;
  Constraint& residual = register_constraint(
      "residual", {ConstraintType::kInequality, Formulation::kAugmentedLagrangian,
                   std::make_shared<DenseMultiplier>(1, at::kDouble),
                   std::make_shared<DensePenaltyCoefficient>(at::full({1}, 2.0, at::kDouble))});
  Constraint& rows = register_constraint(
      "rows", {ConstraintType::kInequality, std::make_shared<IndexedMultiplier>(7, at::kDouble)});

  CMPState over(const at::Tensor& indices) const {
    const at::Tensor x = at::stack({indices, at::ones_like(indices)}, 1).to(at::kDouble).div(7);
    const at::Tensor error = x.mv(w) - x.select(1, 0).square();
    ConstraintState each;
    each.violation = error.abs() - 0.1;
    each.constraint_features = indices;
    CMPState state(error.square().mean());
    state.samples = indices.size(0);
    state.observe(residual, (error.mean() + 0.2).unsqueeze(0));
    state.observe(rows, each);
    return state;
  }
};

/// A rank's regression, which starts anew.
struct Rank {
  explicit Rank(ProcessGroup& group) : problem(1.0 + group.rank()) { optimizer.distribute(group); }

  Regression problem;
  torch::optim::SGD primal{{problem.w}, 0.1};
  torch::optim::SGD dual{problem.dual_parameters(), 0.2};
  SimultaneousOptimizer optimizer{problem, primal, dual};
};

at::Tensor train(ProcessGroup& group) {
  Rank rank(group);
  Regression& problem = rank.problem;
  SimultaneousOptimizer& optimizer = rank.optimizer;
  std::vector<at::Tensor> log;
  for (int64_t step = 0; step < 20; ++step) {
    // Seven rows, or one, which leaves rank 1 without any.
    const int64_t n = step % 5 == 4 ? 1 : 7;
    const at::Tensor mine =
        at::arange(n, at::kLong).slice(0, std::min<int64_t>(group.rank(), n), n, group.size());
    const RollOut out = optimizer.roll([&] { return problem.over(mine); });
    log.push_back(out.state.loss.detach().reshape({1}).clone());
  }
  log.push_back(problem.w.detach());
  for (const auto& multiplier : problem.multipliers()) {
    log.push_back(multiplier->parameters()[0].detach().reshape({-1}));
  }
  return at::cat(log);
}

std::string free_port() {
  const int listening = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  const bool bound = bind(listening, any, length) == 0 && getsockname(listening, any, &length) == 0;
  close(listening);
  return bound ? std::to_string(ntohs(address.sin_port)) : "";
}

/// What processes of this program write, which main() starts as `program` with torchrun's
/// variables.
std::vector<std::string> processes(int size, const std::string& program) {
  const std::string file = "distributed_test." + std::to_string(getpid()) + ".";
  const std::string port = free_port();
  std::vector<pid_t> ids;
  for (int rank = 0; rank < size; ++rank) {
    setenv("RANK", std::to_string(rank).c_str(), 1);
    setenv("WORLD_SIZE", std::to_string(size).c_str(), 1);
    setenv("MASTER_ADDR", "127.0.0.1", 1);
    setenv("MASTER_PORT", port.c_str(), 1);
    std::array<std::string, 4> arguments{"distributed_test", "rank", program,
                                         file + std::to_string(rank)};
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_t id = 0;
    if (posix_spawn(&id, "/proc/self/exe", nullptr, nullptr, argv.data(), environ) == 0) {
      ids.push_back(id);
    }
  }
  for (const char* name : {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}) unsetenv(name);
  for (const pid_t id : ids) waitpid(id, nullptr, 0);
  std::vector<std::string> written;
  for (int rank = 0; rank < size; ++rank) {
    const std::string name = file + std::to_string(rank);
    std::ifstream in(name, std::ios::binary);
    written.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    unlink(name.c_str());
  }
  return written;
}

std::string error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST(two_processes_train_as_one_does) {
  ProcessGroup alone;
  const at::Tensor expected = train(alone);
  const auto [first, second] = both(train);
  CHECK(at::allclose(first, expected, 0, 1e-12));
  CHECK(at::equal(first, second));
}

TEST(a_sum_is_of_all_and_differentiable) {
  const auto [first, second] = both([](ProcessGroup& group) {
    const at::Tensor x = at::full({1}, 1.0 + group.rank(), at::kDouble).requires_grad_(true);
    const at::Tensor sum = group.sum(x);
    (sum.square() * (1 + group.rank())).sum().backward();
    return at::cat({sum.detach(), x.grad()});
  });
  CHECK(at::equal(first, at::tensor({3.0, 18.0}, at::kDouble)));
  CHECK(at::equal(second, first));
}

TEST(a_pass_of_an_evaluation_finds_its_own_summand_times_the_processes) {
  const auto [first, second] = both([](ProcessGroup& group) {
    Rank rank(group);
    const at::Tensor& w = rank.problem.w;
    at::Tensor found;
    rank.optimizer.roll([&] {
      CMPState state = rank.problem.over(at::arange(3, at::kLong));
      const at::Tensor sum = group.sum(w.sum() * (1 + group.rank()));
      found = torch::autograd::grad({sum}, {w}, {}, /*retain_graph=*/true)[0];
      state.loss = state.loss + sum;
      return state;
    });
    return found;
  });
  CHECK(at::equal(first, at::full({2}, 2.0, at::kDouble)));
  CHECK(at::equal(second, at::full({2}, 4.0, at::kDouble)));
}

TEST(rows_are_gathered_and_tensors_broadcast) {
  const auto [first, second] = both([](ProcessGroup& group) {
    const at::Tensor rows = group.all_gather(at::full({1 + group.rank(), 2}, group.rank()));
    at::Tensor shared = at::full({2}, 5.0 + group.rank());
    group.broadcast({shared}, 1);
    group.barrier();
    return at::cat({rows.reshape({-1}).to(at::kFloat), shared});
  });
  CHECK(at::equal(first, at::tensor({0.f, 0.f, 1.f, 1.f, 1.f, 1.f, 6.f, 6.f})));
  CHECK(at::equal(second, first));
}

TEST(ranks_that_do_not_do_the_same_are_told) {
  const auto [first, second] = both([](ProcessGroup& group) {
    return error_of([&] { group.sum(at::ones({3 + group.rank()})); });
  });
  for (const auto& text : {first, second}) {
    CHECK(contains(text, "the ranks do not do the same"));
    CHECK(contains(text, "rank 0 has the sum of Float[3]"));
  }
}

TEST(a_failure_of_one_reaches_the_other) {
  const auto [first, second] = both([](ProcessGroup& group) {
    Rank rank(group);
    return error_of([&] {
      rank.optimizer.roll([&]() -> CMPState {
        if (group.rank() == 1) throw std::runtime_error("no such file");
        return rank.problem.over(at::arange(3, at::kLong));
      });
    });
  });
  CHECK(contains(first, "rank 1 failed: no such file"));
  CHECK_EQ("no such file", second);
}

/// What both ranks throw, of which one changes something after some rolls.
std::pair<std::string, std::string> errors_after(const std::function<void(Rank&)>& change,
                                                 bool compare = true) {
  return both([&](ProcessGroup& group) {
    group.compare(compare);
    Rank rank(group);
    const auto roll = [&] {
      rank.optimizer.roll([&] { return rank.problem.over(at::arange(3, at::kLong)); });
    };
    roll();
    roll();
    if (group.rank() == 1) change(rank);
    return error_of([&] {
      roll();
      roll();
    });
  });
}

TEST(what_one_process_changes_alone_is_found_by_the_next_rolls) {
  const std::vector<std::pair<std::function<void(Rank&)>, std::string>> changes{
      {[](Rank& rank) { rank.problem.w.detach().fill_(7); }, "rank 1 has primal variable 0 = 7, 7"},
      {[](Rank& rank) { rank.problem.w.detach().neg_(); }, "rank 1 has primal variable 0 = "},
      {[](Rank& rank) { rank.problem.residual.multiplier()->parameters()[0].detach().fill_(3); },
       "rank 1 has the multiplier of constraint 'residual' = 3"},
      {[](Rank& rank) {
         rank.problem.rows.multiplier()->parameters()[0].detach().select(0, 6).fill_(3);
       },
       "rank 1 has the multiplier of constraint 'rows' = Double[7, 1] of checksum "},
      {[](Rank& rank) {
         rank.problem.residual.penalty_coefficient()->set_value(at::full({1}, 4.0, at::kDouble));
       },
       "rank 1 has the penalty coefficient of constraint 'residual' = 4"},
      {[](Rank& rank) { rank.primal.param_groups()[0].options().set_lr(0.5); },
       "rank 0 has lr = 0.1 in group 0 of primal optimizer 0, rank 1 has lr = 0.5 in"},
      {[](Rank& rank) { rank.dual.param_groups()[0].options().set_lr(0.5); },
       "rank 1 has lr = 0.5 in group 0 of dual optimizer 0"},
      {[](Rank& rank) {
         rank.optimizer.before_primal_step(
             [](CMPState& /*state*/, const Optimizers& primal) { clip_grad_norm(primal, 1e-3); });
       },
       "rank 1 has primal variable 0 = "},
  };
  for (const auto& [change, says] : changes) {
    const auto [first, second] = errors_after(change);
    for (const auto& text : {first, second}) {
      CHECK(contains(text, "the ranks no longer have the same"));
      CHECK(contains(text, says));
    }
  }
  const auto [first, second] = errors_after(changes[0].first, /*compare=*/false);
  CHECK_EQ("", first);
  CHECK_EQ("", second);
}

TEST(rows_of_one_index_are_in_the_order_of_a_batch_that_is_dealt_in_turn) {
  ProcessGroup alone;
  const auto last = [](ProcessGroup& group) {
    Rank rank(group);
    const at::Tensor mine = at::arange(7, at::kLong).slice(0, group.rank(), 7, group.size());
    const RollOut out = rank.optimizer.roll([&] {
      CMPState state = rank.problem.over(mine);
      state.observed_constraints[1].second.constraint_features = mine.remainder(2);
      return state;
    });
    return out.state.observed_constraints[1].second.violation.detach().clone();
  };
  const at::Tensor expected = last(alone);
  const auto [first, second] = both(last);
  CHECK(at::equal(first, second));
  // The others start from what rank 0 has, as a process alone does.
  CHECK(at::allclose(first, expected, 0, 1e-12));
}

TEST(micro_batches_are_refused_in_a_group_and_the_others_are_told) {
  for (const bool all : {true, false}) {
    const auto [first, second] = both([all](ProcessGroup& group) {
      Rank rank(group);
      const at::Tensor rows = at::arange(3, at::kLong);
      return error_of([&] {
        if (all || group.rank() == 1) {
          rank.optimizer.roll_accumulated(2, [&](size_t) { return rank.problem.over(rows); });
        } else {
          rank.optimizer.roll([&] { return rank.problem.over(rows); });
        }
      });
    });
    CHECK(contains(second, "roll_accumulated() is for one process; in a group call roll()"));
    CHECK(contains(first, "roll_accumulated() is for one process; in a group call roll()"));
    CHECK_EQ(!all, contains(first, "rank 1 failed: "));
  }
}

TEST(who_closes_or_fails_outside_of_rolls_says_why) {
  const auto [failed, none] = both([](ProcessGroup& group) {
    if (group.rank() == 1) {
      group.fail("the disk is full");
      return std::string();
    }
    return error_of([&] { group.barrier(); });
  });
  CHECK(contains(failed, "rank 1 failed: the disk is full"));
  const auto [closed, nothing] = both([](ProcessGroup& group) {
    group.sum(at::ones({2}));
    return group.rank() == 1 ? "" : error_of([&] { group.barrier(); });
  });
  CHECK(contains(closed,
                 "rank 1 has closed the group after its call 1, the sum of Float[2]; rank 0 has "
                 "come to call 2, a barrier"));
}

TEST(a_group_that_goes_with_an_exception_says_so) {
  std::promise<int> port;
  GlooOptions options = of_two();
  auto second = std::async(std::launch::async, [&, options]() mutable {
    options.rank = 1;
    options.port = port.get_future().get();
    return error_of([&] {
      const ProcessGroup group(options);
      throw std::runtime_error("the disk is full");
    });
  });
  options.port = 0;
  options.listening = [&](int chosen) { port.set_value(chosen); };
  ProcessGroup group(options);
  CHECK(contains(error_of([&] { group.barrier(); }),
                 "rank 1 has closed the group because of an exception before its first call"));
  CHECK_EQ("the disk is full", second.get());
}

TEST(what_does_not_fit_is_refused) {
  ProcessGroup alone;
  CHECK_THROWS(alone.sum(at::ones({2}, at::kLong)), "floating point");
  CHECK_THROWS(alone.all_gather(at::ones({})), "a scalar has no rows");
  CHECK_THROWS(alone.broadcast({at::ones({1})}, 1), "there is no rank 1");
  GlooOptions options = of_two();
  options.rank = 2;
  CHECK_THROWS(ProcessGroup{options}, "rank 2 of 2 processes");
  alone.close();
  CHECK_THROWS(alone.sum(at::ones({2})), "it was closed");
}

TEST(a_variable_that_is_missing_or_no_number_is_named) {
  const std::vector<std::array<std::string, 3>> wrong = {
      {"RANK", "", "RANK is not set; expected a number from 0"},
      {"RANK", "zero", "RANK is 'zero'; expected a number from 0"},
      {"WORLD_SIZE", "0", "WORLD_SIZE is '0'; expected a number from 1"},
      {"MASTER_ADDR", "", "MASTER_ADDR is not set; expected rank 0's machine"},
      {"MASTER_PORT", "", "MASTER_PORT is not set; expected a number from 1 to 65535"},
      {"MASTER_PORT", "99999", "MASTER_PORT is '99999'; expected a number from 1 to 65535"}};
  for (const auto& [name, value, text] : wrong) {
    setenv("RANK", "0", 1);
    setenv("WORLD_SIZE", "2", 1);
    setenv("MASTER_ADDR", "127.0.0.1", 1);
    setenv("MASTER_PORT", "29500", 1);
    setenv(name.c_str(), value.c_str(), 1);
    CHECK_THROWS(ProcessGroup::from_environment(std::chrono::seconds(1)),
                 "the environment variable " + text);
  }
  for (const char* name : {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}) unsetenv(name);
}

TEST(processes_of_their_own_train_as_one_does) {
  ProcessGroup alone;
  const at::Tensor expected = train(alone);
  const std::vector<std::string> written = processes(3, "train");
  for (const auto& bytes : written) {
    CHECK(bytes == written[0]);
    CHECK_EQ(expected.nbytes(), bytes.size());
    if (expected.nbytes() != bytes.size()) continue;
    at::Tensor found = at::empty_like(expected);
    std::copy(bytes.begin(), bytes.end(), static_cast<char*>(found.mutable_data_ptr()));
    CHECK(at::allclose(found, expected, 0, 1e-12));
  }
}

TEST(a_process_that_is_killed_is_named) {
  const std::vector<std::string> written = processes(3, "die");
  CHECK_EQ("", written[2]);
  for (int rank = 0; rank < 2; ++rank) {
    CHECK(contains(written[rank], "rank 2 no longer answered"));
  }
}

TEST(a_process_that_does_not_come_is_named_with_where_it_is) {
  const std::vector<std::string> written = processes(3, "late");
  for (int rank = 0; rank < 2; ++rank) {
    CHECK(contains(written[rank], "in call 2, a barrier"));
    CHECK(contains(written[rank],
                   "rank 2 has not come there, its last was call 1, the sum of Float[3]"));
  }
}

int64_t size_of(const std::string& file) {
  struct stat found{};
  return stat(file.c_str(), &found) == 0 ? found.st_size : -1;
}

/// A rank of processes().
int run_rank(const std::string& program, const std::string& file) {
  ProcessGroup group = ProcessGroup::from_environment(std::chrono::seconds(60));
  std::ofstream out(file, std::ios::binary);
  if (program == "train") {
    const at::Tensor log = train(group);
    out.write(static_cast<const char*>(log.const_data_ptr()),
              static_cast<std::streamsize>(log.nbytes()));
    return 0;
  }
  group.sum(at::ones({3}));
  const bool last = group.rank() == group.size() - 1;
  if (last && program == "die") raise(SIGKILL);
  // Until another has given up.
  for (int i = 0; last && i < 600 && size_of(file.substr(0, file.size() - 1) + "0") <= 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  out << error_of([&] { group.barrier(std::chrono::seconds(program == "late" ? 2 : 60)); })
      << std::flush;
  return 0;
}

int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == "rank") return run_rank(argv[2], argv[3]);
  return check::run(argc, argv);
}
