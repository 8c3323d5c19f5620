package org.cooper4j.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The results are those that Cooper's tutorials reach. */
class TutorialsTest {
  @TempDir Path folder;

  /** Problems this small gain nothing from threads, which stall each other on a busy machine. */
  @BeforeAll
  static void useOneThread() {
    torch.set_num_threads(1);
  }

  static Stream<Arguments> tutorials() {
    return Stream.of(
        Arguments.of("max_entropy", new MaxEntropy(), "entropy 1.6136, optimum 1.6136"),
        Arguments.of("min_norm", new MinNorm(), "Frequency: 100%: norm / optimum 1.0000"),
        Arguments.of("gaussian_mixture", new GaussianMixture(), "Proxy Const - Pred. Blue: 70%"),
        Arguments.of(
            "augmented_lagrangian",
            new AugmentedLagrangian2D(),
            "augmented Lagrangian: distance 5.4e-05 with penalty coefficient 17.3"),
        Arguments.of(
            "infrequent_true_constraint",
            new InfrequentTrueConstraint(),
            "product of the singular values 0.99"),
        Arguments.of("dag_learning", new DagLearning(), "to the true one: 0.01"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("tutorials")
  void findsItsSolutionAndDrawsIt(String name, Callable<Integer> tutorial, String result) {
    assertThat(run(tutorial, "cpu")).contains(result);
    assertThat(folder.resolve(name + ".png")).isNotEmptyFile();
  }

  /** Where the last digits that it prints may be others. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("tutorials")
  void runsOnCuda(String name, Callable<Integer> tutorial, String result) {
    assumeTrue(torch.cuda_is_available(), "no CUDA");
    assertThat(run(tutorial, "cuda")).contains(result.substring(0, result.indexOf(' ')));
    assertThat(folder.resolve(name + ".png")).isNotEmptyFile();
  }

  private String run(Callable<Integer> tutorial, String device) {
    return Printed.by(tutorial, "--device=" + device, "--out=" + folder);
  }
}
