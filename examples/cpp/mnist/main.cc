// Trains a logistic regression classifier on MNIST under a norm constraint.
//
// Cooper's tutorial of the same name: the model's squared L2 norm is to be at most 1. After each
// epoch the state goes to a checkpoint, where the program resumes when it is started again; the
// Python and Java tutorials exchange these checkpoints with it.
#include <cooper4j/cooper4j.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include <fstream>
#include <iostream>
#include <optional>

#include "metrics.h"
#include "mnist.h"
#include "norm_constrained.h"
#include "options.h"
#include "plot.h"
#include "progress_bar.h"

namespace {

class Training {
 public:
  explicit Training(const Options& options)
      : options_(options),
        train_(load_mnist(options.data, true), options.batch_size, options.device),
        test_(load_mnist(options.data, false), options.batch_size, options.device) {
    model_->to(options.device);
    cmp_.emplace(model_, options.level);
    primal_.emplace(model_->parameters(), torch::optim::AdamOptions(1e-3).amsgrad(true));
    dual_.emplace(cmp_->dual_parameters(), torch::optim::SGDOptions(1e-3));
    optimizer_.emplace(*cmp_, *primal_, *dual_);
  }

  void run() {
    resume();
    for (int64_t epoch = start_epoch_; epoch < options_.epochs; ++epoch) {
      train(epoch);
      save(epoch);
    }
    report();
  }

 private:
  void train(int64_t epoch) {
    ProgressBar progress(
        "epoch " + std::to_string(epoch + 1) + "/" + std::to_string(options_.epochs),
        train_.size());
    for (int64_t i = 0; i < train_.size(); ++i) {
      ++batch_ix_;
      const Batch batch = train_.batch(i);
      const auto out = optimizer_->roll([&] { return cmp_->compute_cmp_state(batch); });
      if (batch_ix_ % 3 == 0) record(out);
      progress.step([&] {
        char text[64];
        std::snprintf(text, sizeof text, "loss %.4f  violation %+.4f",
                      out.state.loss.item<double>(), violation(out));
        return std::string(text);
      });
    }
  }

  void record(const cooper4j::RollOut& out) {
    metrics_.record({static_cast<double>(batch_ix_), out.state.loss.item<double>(),
                     out.state.misc.at("accuracy").item<double>(),
                     out.factors(*cmp_->norm_constraint).multiplier.item<double>(),
                     violation(out)});
  }

  static double violation(const cooper4j::RollOut& out) {
    return out.state.observed_constraints.front().second.violation.item<double>();
  }

  void save(int64_t epoch) const {
    cooper4j::Document document;
    const cooper4j::Node root = document.dict();
    document.put(root, "batch_ix", document.integer(batch_ix_));
    document.put(root, "epoch", document.integer(epoch));
    document.put(root, "all_metrics", metrics_.state_dict(document));
    document.put(root, "model_state_dict", cooper4j::state_dict(document, *model_));
    document.put(root, "cmp_state_dict", cmp_->state_dict(document));
    document.put(root, "cooper_optimizer_state_dict", optimizer_->state_dict(document));
    cooper4j::save(options_.checkpoint(), document, root);
  }

  void resume() {
    if (!std::filesystem::exists(options_.checkpoint())) return;
    const std::string path = options_.checkpoint().string();
    try {
      load();
    } catch (const cooper4j::CheckpointError& e) {
      throw UserError(std::string("cannot resume: ") + e.what() +
                      "; remove it or choose another --out");
    } catch (const std::invalid_argument& e) {
      throw UserError("cannot resume: " + path + ": " + e.what() +
                      "; remove it or choose another --out");
    }
    std::cout << path << ": resumed after epoch " << start_epoch_ << "\n";
  }

  void load() {
    cooper4j::Document document = cooper4j::load(options_.checkpoint());
    const auto at = [&](const char* key) { return document.at(document.root(), key); };
    batch_ix_ = document.as_int(at("batch_ix"));
    start_epoch_ = document.as_int(at("epoch")) + 1;
    if (batch_ix_ != start_epoch_ * train_.size()) {
      throw std::invalid_argument("batch_ix: expected " + std::to_string(train_.size()) +
                                  " batches in each of " + std::to_string(start_epoch_) +
                                  " epochs, found " + std::to_string(batch_ix_) + " in all");
    }
    metrics_.load_state_dict(document, at("all_metrics"));
    cooper4j::load_state_dict(*model_, document, at("model_state_dict"));
    cmp_->load_state_dict(document, at("cmp_state_dict"));
    optimizer_->load_state_dict(document, at("cooper_optimizer_state_dict"));
  }

  double test_accuracy() {
    const torch::NoGradGuard no_grad;
    int64_t right = 0;
    int64_t all = 0;
    for (int64_t i = 0; i < test_.size(); ++i) {
      const Batch batch = test_.batch(i);
      const torch::Tensor predicted = model_->forward(batch.inputs.flatten(1)).argmax(1);
      right += predicted.eq(batch.targets).sum().item<int64_t>();
      all += batch.targets.size(0);
    }
    return static_cast<double>(right) / static_cast<double>(all);
  }

  void report() {
    const double accuracy = test_accuracy();
    std::ofstream json(options_.out / "metrics.json");
    json << metrics_.json(accuracy);
    if (!json.flush())
      throw UserError((options_.out / "metrics.json").string() + ": cannot be written");
    // The zero line shows that the defect converges close to zero.
    save_plots(options_.out / "training.png", "Batch", metrics_.column("batch_ix"),
               {{"Training Loss", metrics_.column("train_loss")},
                {"Training Acc", metrics_.column("train_acc")},
                {"Inequality Multiplier", metrics_.column("multiplier_value")},
                {"Inequality Defect", metrics_.column("constraint_violation"), true}});
    std::printf("test accuracy %.4f\nwrote %s: checkpoint.pth, metrics.json, training.png\n",
                accuracy, options_.out.c_str());
  }

  Options options_;
  DataLoader train_;
  DataLoader test_;
  torch::nn::Linear model_{28 * 28, 10};
  std::optional<NormConstrainedLogisticRegression> cmp_;
  std::optional<torch::optim::Adam> primal_;
  std::optional<torch::optim::SGD> dual_;
  std::optional<cooper4j::SimultaneousOptimizer> optimizer_;

  int64_t batch_ix_ = 0;
  int64_t start_epoch_ = 0;
  Metrics metrics_{{{"batch_ix", true},
                    {"train_loss"},
                    {"train_acc"},
                    {"multiplier_value"},
                    {"constraint_violation"}}};
};

}  // namespace

int main(int argc, char** argv) {
  cooper4j::restart_with_sleeping_threads(argv);
  try {
    const Options options = parse_options(argc, argv);
    if (options.help) {
      std::cout << kHelp;
      return 0;
    }
    cooper4j::cache_cpu_memory();
    if (options.threads > 0) cooper4j::set_num_threads(options.threads);
    std::filesystem::create_directories(options.out);
    torch::manual_seed(options.seed);
    Training(options).run();
    return 0;
  } catch (const std::exception& e) {
    const std::string message = e.what();
    std::cerr << "mnist: " << message.substr(0, message.find('\n')) << " (see --help)\n";
    return 2;
  }
}
