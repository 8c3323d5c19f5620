package org.cooper4j.examples;

import java.awt.Color;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.cooper4j.examples.FairClassifier.Quality;
import org.cooper4j.examples.FairClassifier.Result;
import org.knowm.xchart.style.Styler.LegendPosition;

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

  Panels of(List<Result> results) {
    Panels panels = new Panels();
    List<Result> constrained = results.stream().filter(result -> result.level() < 1).toList();
    List<Result> baseline = results.stream().filter(result -> result.level() == 1).toList();

    panels
        .add("Accuracy against parity")
        .xLabel("gap between the rates of men and women")
        .yLabel("accuracy")
        .legend(LegendPosition.InsideSE)
        .marked(
            "train",
            Panel.BLUE,
            gaps(constrained, Result::train),
            accuracies(constrained, Result::train))
        .marked(
            "test",
            Panel.ORANGE,
            gaps(constrained, Result::test),
            accuracies(constrained, Result::test))
        .marked(
            "train, unconstrained",
            Panel.BLUE,
            gaps(baseline, Result::train),
            accuracies(baseline, Result::train))
        .marked(
            "test, unconstrained",
            Panel.ORANGE,
            gaps(baseline, Result::test),
            accuracies(baseline, Result::test));

    double[] levels = constrained.stream().mapToDouble(Result::level).toArray();
    panels
        .add("Is the constraint kept?")
        .xLabel("level")
        .yLabel("gap")
        .legend(LegendPosition.InsideNW)
        .marked("train", Panel.BLUE, levels, gaps(constrained, Result::train))
        .marked("test", Panel.ORANGE, levels, gaps(constrained, Result::test))
        .line("gap = level", new double[] {0, levels[0]}, new double[] {0, levels[0]});

    double[] gap = shown.column("gap");
    double[] epochs = IntStream.range(0, gap.length).asDoubleStream().toArray();
    panels
        .add("Training at level " + SHOWN_LEVEL)
        .xLabel("epoch")
        .yLabel("gap on the training set")
        .line("rates (strict)", epochs, gap)
        .line("probabilities (surrogate)", epochs, shown.column("surrogate"))
        .marked("chosen", Color.BLACK, new double[] {chosen}, new double[] {gap[chosen]})
        .horizontal(SHOWN_LEVEL);
    return panels;
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
