package org.cooper4j.examples;

import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.cooper4j.examples.FairClassifier.Quality;
import org.cooper4j.examples.FairClassifier.Result;
import org.cooper4j.training.Picture;

/** The picture of {@link FairClassifier}: what parity costs, whether it is kept, and one run. */
final class FairnessPicture {
  private static final double SHOWN_LEVEL = 0.05;

  private Metrics shown;
  private int chosen;

  /** Keeps the run that is shown. */
  void add(double level, Metrics history, int best) {
    if (level == SHOWN_LEVEL) {
      shown = history;
      chosen = best;
    }
  }

  Picture of(List<Result> results) {
    Picture picture = new Picture();
    List<Result> constrained = results.stream().filter(result -> result.level() < 1).toList();
    List<Result> baseline = results.stream().filter(result -> result.level() == 1).toList();

    picture
        .panel("Accuracy against parity")
        .xLabel("gap between the rates of men and women")
        .yLabel("accuracy")
        .colour(0)
        .marked("train", gaps(constrained, Result::train), accuracies(constrained, Result::train))
        .colour(1)
        .marked("test", gaps(constrained, Result::test), accuracies(constrained, Result::test))
        .colour(0)
        .marked(
            "train, unconstrained",
            gaps(baseline, Result::train),
            accuracies(baseline, Result::train))
        .colour(1)
        .marked(
            "test, unconstrained",
            gaps(baseline, Result::test),
            accuracies(baseline, Result::test));

    double[] levels = constrained.stream().mapToDouble(Result::level).toArray();
    picture
        .panel("Is the constraint kept?")
        .xLabel("level")
        .yLabel("gap")
        .colour(0)
        .marked("train", levels, gaps(constrained, Result::train))
        .colour(1)
        .marked("test", levels, gaps(constrained, Result::test))
        .line("gap = level", new double[] {0, levels[0]}, new double[] {0, levels[0]});

    double[] gap = shown.column("gap");
    double[] epochs = IntStream.range(0, gap.length).asDoubleStream().toArray();
    picture
        .panel("Training at level " + SHOWN_LEVEL)
        .xLabel("epoch")
        .yLabel("gap on the training set")
        .line("rates (strict)", epochs, gap)
        .line("probabilities (surrogate)", epochs, shown.column("surrogate"))
        .colour(3)
        .marked("chosen", new double[] {chosen}, new double[] {gap[chosen]})
        .level(SHOWN_LEVEL);
    return picture;
  }

  private static double[] gaps(List<Result> results, Function<Result, Quality> part) {
    return column(results, part, Quality::gap);
  }

  private static double[] accuracies(List<Result> results, Function<Result, Quality> part) {
    return column(results, part, Quality::accuracy);
  }

  private static double[] column(
      List<Result> results, Function<Result, Quality> part, ToDoubleFunction<Quality> value) {
    return results.stream().map(part).mapToDouble(value).toArray();
  }
}
