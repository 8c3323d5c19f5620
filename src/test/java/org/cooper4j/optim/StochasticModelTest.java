package org.cooper4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.checkpoint.StateDict;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StochasticModelTest {
  private static final double[] PROBABILITIES = {0.25, 0, 0.75};

  private static Map<String, Object> state(double value) {
    return Map.of("weight", Tensor.create(value));
  }

  private static StochasticModel model() {
    return new StochasticModel(PROBABILITIES, List.of(state(1), state(2), state(3)), 7);
  }

  private static double value(Map<String, Object> state) {
    return ((Tensor) state.get("weight")).item_double();
  }

  private static List<Double> draws(StochasticModel model, int count) {
    List<Double> found = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      found.add(value(model.draw()));
    }
    return found;
  }

  private static Tensor constant(Map<String, Object> state) {
    return torch.ones(4000).mul((Tensor) state.get("weight"));
  }

  private static double[] doubles(Tensor tensor) {
    double[] found = new double[(int) tensor.numel()];
    Arrays.setAll(found, i -> tensor.select(0, i).item_double());
    return found;
  }

  @Test
  void candidatesThatAreNeverDrawnAreLeftOut() {
    StochasticModel model = model();
    assertThat(model.probabilities()).containsExactly(0.25, 0.75);
    assertThat(model.states()).extracting(StochasticModelTest::value).containsExactly(1.0, 3.0);
    assertThat(model.mean(StochasticModelTest::value)).isEqualTo(2.5);
  }

  @Test
  void candidatesAreDrawnAsOftenAsTheirProbabilitySays() {
    List<Double> found = draws(model(), 4000);
    assertThat(found.stream().filter(value -> value == 3).count() / 4000.0)
        .isCloseTo(0.75, within(0.03));
    double[] rows = doubles(model().scores(StochasticModelTest::constant));
    assertThat(Arrays.stream(rows).average().orElseThrow()).isCloseTo(2.5, within(0.06));
    assertThat(rows).containsOnly(1, 3);
  }

  @Test
  void theSameSeedDrawsTheSameAndEachTimeAnother() {
    assertThat(draws(model(), 50)).isEqualTo(draws(model(), 50));
    StochasticModel model = model();
    assertThat(doubles(model.scores(StochasticModelTest::constant)))
        .isNotEqualTo(doubles(model.scores(StochasticModelTest::constant)));
  }

  @Test
  void oneCheckpointHoldsTheMixtureWhichGoesOnWhereItWas(@TempDir Path folder) {
    LinearImpl module = new LinearImpl(3, 1);
    Map<String, Object> first = StateDict.copyOf(StateDict.of(module));
    module.weight().set_data(module.weight().detach().add(torch.ones(1)));
    StochasticModel model =
        new StochasticModel(new double[] {0.5, 0.5}, List.of(first, StateDict.of(module)), 1);
    module.weight().set_data(torch.zeros(1, 3)); // states were copied
    model.draw();
    Path path = folder.resolve("mixture.pt");
    Checkpoint.save(path, model.stateDict());
    StochasticModel loaded = StochasticModel.of(Checkpoint.load(path).asMap());
    assertThat(loaded.probabilities()).isEqualTo(model.probabilities());
    Tensor inputs = torch.ones(100, 3);
    Tensor[] scores = new Tensor[2];
    StochasticModel[] both = {model, loaded};
    for (int i = 0; i < 2; i++) {
      scores[i] =
          both[i].scores(
              state -> {
                StateDict.load(module, state);
                return module.forward(inputs);
              });
    }
    assertThat(scores[0].shape()).containsExactly(100, 1);
    assertThat(scores[0].equal(scores[1])).isTrue();
    assertThat(scores[0].max().sub(scores[0].min()).item_double()).isCloseTo(3, within(1e-5));
  }

  @Test
  void whatIsNoDistributionOfTheseCandidatesIsRefused() {
    List<Map<String, Object>> two = List.of(state(1), state(2));
    for (double[] bad : new double[][] {{0.5, 0.6}, {1.5, -0.5}, {Double.NaN, 1}, {0, 0}, {}}) {
      assertThatThrownBy(() -> new StochasticModel(bad, two, 0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("sum to 1");
    }
    assertThatThrownBy(() -> new StochasticModel(new double[] {1}, two, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("1 probabilities and 2 states; expected one of each a candidate");
    assertThatThrownBy(() -> StochasticModel.of(Map.of("states", List.of())))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("found [states]");
    assertThatThrownBy(() -> model().scores(state -> torch.ones((long) value(state))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a candidate's scores: expected shape [1], found [3]");
  }

  /** With the class path, but for ojAlgo. */
  @Test
  void withoutOjAlgoTheErrorSaysWhatToAdd() throws IOException, ReflectiveOperationException {
    URL[] path =
        Arrays.stream(System.getProperty("java.class.path").split(java.io.File.pathSeparator))
            .filter(entry -> !entry.contains("ojalgo"))
            .map(
                entry -> {
                  try {
                    return Path.of(entry).toUri().toURL();
                  } catch (java.net.MalformedURLException e) {
                    throw new IllegalStateException(e);
                  }
                })
            .toArray(URL[]::new);
    try (URLClassLoader loader = new URLClassLoader(path, ClassLoader.getPlatformClassLoader())) {
      var find =
          loader
              .loadClass("org.cooper4j.optim.Candidates")
              .getMethod("findBestCandidateDistribution", double[].class, double[][].class);
      assertThatThrownBy(() -> find.invoke(null, new double[] {1}, new double[][] {{0}}))
          .cause()
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("org.ojalgo:ojalgo")
          .hasMessageNotContaining("\n");
    }
  }
}
