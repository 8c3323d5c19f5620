// Runs ensmallen's augmented Lagrangian on the problems of problems.inc: a JSON line for each.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ensmallen.hpp>
#include <map>
#include <string>
#include <vector>

struct Problem {
  const char* name;
  std::vector<double> start;
  int equalities, inequalities;
  double optimum;
  void (*both)(const double* x, double* out);  // the values, then their gradients
};

const std::vector<Problem> kProblems = {
#include "problems.inc"
};

struct Enough {};

// What ensmallen calls a constrained function; a point that comes again is no new evaluation.
class Function {
 public:
  Function(const Problem& problem, long budget) : problem_(problem), budget_(budget) {}

  double Evaluate(const arma::mat& x) { return At(x)[0]; }
  void Gradient(const arma::mat& x, arma::mat& gradient) { Row(x, 0, gradient); }
  size_t NumConstraints() const { return problem_.equalities + problem_.inequalities; }
  double EvaluateConstraint(size_t i, const arma::mat& x) {
    const double value = At(x)[1 + i];
    return i < size_t(problem_.equalities) ? value : std::max(0.0, value);
  }
  void GradientConstraint(size_t i, const arma::mat& x, arma::mat& gradient) {
    Row(x, 1 + i, gradient);
    if (i >= size_t(problem_.equalities) && values_[1 + i] <= 0) gradient.zeros();
  }
  const arma::mat& GetInitialPoint() {
    start_ = arma::mat(problem_.start.data(), problem_.start.size(), 1);
    return start_;
  }

  void Print() const {
    std::printf("{\"reached\": {");
    const char* comma = "";
    for (const auto& [tolerance, at] : reached_) {
      std::printf("%s\"%s\": [%ld, %g]", comma, tolerance.c_str(), at.first, at.second);
      comma = ", ";
    }
    std::printf("}, \"points\": [[%ld, %g, %.10g, %.3g]]}\n", evaluations_, Elapsed(), values_[0],
                violation_);
  }

 private:
  const std::vector<double>& At(const arma::mat& x) {
    if (values_.empty() || arma::any(arma::vectorise(x) != here_)) {
      here_ = arma::vectorise(x);
      const size_t rows = 1 + NumConstraints();
      values_.assign(rows * (1 + here_.n_elem), 0);
      problem_.both(here_.memptr(), values_.data());
      Note();
    }
    return values_;
  }

  void Row(const arma::mat& x, size_t row, arma::mat& gradient) {
    At(x);
    gradient.set_size(x.n_rows, x.n_cols);
    const double* begin = values_.data() + 1 + NumConstraints() + row * here_.n_elem;
    std::copy(begin, begin + here_.n_elem, gradient.memptr());
  }

  void Note() {
    evaluations_++;
    violation_ = 0;
    for (size_t i = 0; i < NumConstraints(); i++) {
      const double v = values_[1 + i];
      violation_ = std::max(violation_, i < size_t(problem_.equalities) ? std::abs(v) : v);
    }
    const double gap = std::abs(values_[0] - problem_.optimum);
    const double error = std::max(violation_, gap / std::max(1.0, std::abs(problem_.optimum)));
    for (const auto& [name, tolerance] :
         std::map<std::string, double>{{"1e-02", 1e-2}, {"1e-04", 1e-4}, {"1e-06", 1e-6}}) {
      if (error <= tolerance) reached_.emplace(name, std::make_pair(evaluations_, Elapsed()));
    }
    if (reached_.size() == 3 || evaluations_ >= budget_ || !std::isfinite(error)) throw Enough();
  }

  double Elapsed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

  const Problem& problem_;
  const long budget_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  arma::mat start_;
  arma::vec here_;
  std::vector<double> values_;
  double violation_ = 0;
  long evaluations_ = 0;
  std::map<std::string, std::pair<long, double>> reached_;
};

int main(int, char** arguments) {
  for (const Problem& problem : kProblems) {
    Function function(problem, std::atol(arguments[1]));
    arma::mat x = function.GetInitialPoint();
    try {
      ens::AugLagrangian().Optimize(function, x);
    } catch (const Enough&) {
    } catch (const std::exception&) {
    }
    function.Print();
  }
}
