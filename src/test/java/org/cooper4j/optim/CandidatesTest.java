package org.cooper4j.optim;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.Gson;
import java.io.InputStreamReader;
import java.util.Arrays;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CandidatesTest {
  private static final double[] OBJECTIVES = {0.1, 0.2, 0.3, 0.4, 0.5};

  /** A line of what src/test/python/candidates.py wrote. */
  private static final class Choice {
    double[] objectives;
    double[][] violations;
    boolean rank_objectives;
    boolean max_constraints;
    int best;
  }

  @Test
  void theChoiceIsThatOfTensorFlowConstrainedOptimization() {
    var json = CandidatesTest.class.getResourceAsStream("/candidates.json");
    Choice[] choices = new Gson().fromJson(new InputStreamReader(json, UTF_8), Choice[].class);
    assertThat(choices).hasSize(96);
    for (Choice choice : choices) {
      assertThat(
              Candidates.findBestCandidateIndex(
                  choice.objectives,
                  choice.violations,
                  choice.rank_objectives,
                  choice.max_constraints))
          .isEqualTo(choice.best);
      if (choice.max_constraints) {
        assertThat(
                Candidates.findBestCandidateIndex(
                    choice.objectives, choice.violations, choice.rank_objectives))
            .isEqualTo(choice.best);
      }
    }
  }

  @Test
  void aFeasibleCandidateWinsAndTheLowerObjectiveAmongThem() {
    double[][] violations = {{0.3, -1}, {-0.1, 0.2}, {-5, 0}, {-0.2, -0.2}, {1, 1}};
    assertThat(Candidates.findBestCandidateIndex(OBJECTIVES, violations, false)).isEqualTo(2);
  }

  @Test
  void withoutAFeasibleOneTheConstraintThatIsViolatedMostDecidesOrEachForItself() {
    double[][] violations = {{1, 50}, {2, 40}, {3, 30}, {4, 20}, {5, 10}};
    assertThat(Candidates.findBestCandidateIndex(OBJECTIVES, violations, false)).isEqualTo(4);
    // ranks per constraint: (1, 2, 3, 4, 5) and (5, 4, 3, 2, 1); worst: 5, 4, 3, 4, 5
    assertThat(Candidates.findBestCandidateIndex(OBJECTIVES, violations, false, false))
        .isEqualTo(2);
  }

  @Test
  void theObjectivesRankMayCountToo() {
    // The only feasible candidate has the worst objective: rank 5; the others 1 … 4 by violation.
    double[][] violations = {{0.4}, {0.2}, {0.1}, {0.3}, {-1}};
    assertThat(Candidates.findBestCandidateIndex(OBJECTIVES, violations, false)).isEqualTo(4);
    // worst of both ranks: max(1, 5), max(2, 3), max(3, 2), max(4, 4), max(5, 1)
    assertThat(Candidates.findBestCandidateIndex(OBJECTIVES, violations, true)).isEqualTo(1);
  }

  @Test
  void ofCandidatesAlikeInAllTheLastWins() {
    double[][] violations = {{-1}, {0}, {-0.0}, {2}};
    assertThat(Candidates.findBestCandidateIndex(new double[4], violations, true)).isEqualTo(2);
    double inf = Double.POSITIVE_INFINITY;
    assertThat(
            Candidates.findBestCandidateIndex(
                new double[] {inf, inf, 0}, new double[][] {{inf}, {1}, {inf}}, false))
        .isEqualTo(1);
    assertThat(
            Candidates.findBestCandidateIndex(
                new double[] {3, 1, 2}, new double[3][0], true, false))
        .as("without constraints the lowest objective")
        .isEqualTo(1);
  }

  /** Ranks that were looked up one after another would take minutes. */
  @Test
  void aLongRunIsRanked() {
    int n = 1_000_000;
    double[] objectives = new double[n];
    double[][] violations = new double[n][];
    for (int i = 0; i < n; i++) {
      objectives[i] = -i;
      violations[i] = new double[] {i == 12345 ? 0 : i + 1};
    }
    assertThat(Candidates.findBestCandidateIndex(objectives, violations, false)).isEqualTo(12345);
  }

  @Test
  void whatCannotBeRankedIsRefused() {
    assertThatThrownBy(
            () -> Candidates.findBestCandidateIndex(new double[1], new double[0][], true))
        .hasMessageContaining("1 objectives and 0 rows of violations");
    assertThatThrownBy(
            () -> Candidates.findBestCandidateIndex(new double[0], new double[0][], true))
        .hasMessageContaining("a candidate at least");
    assertThatThrownBy(
            () ->
                Candidates.findBestCandidateIndex(new double[2], new double[][] {{1}, null}, true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the violations of candidate 1 are null");
    for (boolean option : new boolean[] {false, true}) {
      assertThatThrownBy(
              () ->
                  Candidates.findBestCandidateIndex(
                      new double[2], new double[][] {{1, 0}, {0, Double.NaN}}, option, option))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("a violation of candidate 1 is NaN; leave that candidate out");
      assertThatThrownBy(
              () ->
                  Candidates.findBestCandidateIndex(
                      new double[] {Double.NaN, 1}, new double[][] {{1}, {0}}, option, option))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("the objective of candidate 0 is NaN; leave that candidate out");
      assertThatThrownBy(
              () ->
                  Candidates.findBestCandidateIndex(
                      new double[2], new double[][] {{1}, {0, 1}}, option, option))
          .hasMessageContaining("candidate 1 has 2 violations, not 1");
    }
  }

  /** A line of what src/test/python/candidate_distributions.py wrote. */
  private static final class Best {
    double[] objectives;
    double[][] violations;
    double expected_objective;
    double least_violation;
  }

  private static double expected(double[] probabilities, IntToDoubleFunction value) {
    return IntStream.range(0, probabilities.length)
        .mapToDouble(i -> probabilities[i] * value.applyAsDouble(i))
        .sum();
  }

  @Test
  void theMixtureIsThatOfTensorFlowConstrainedOptimization() {
    var json = CandidatesTest.class.getResourceAsStream("/candidate_distributions.json");
    Best[] cases = new Gson().fromJson(new InputStreamReader(json, UTF_8), Best[].class);
    assertThat(cases).hasSize(60);
    for (Best best : cases) {
      double[] found = Candidates.findBestCandidateDistribution(best.objectives, best.violations);
      int m = best.violations[0].length;
      assertThat(found).hasSameSizeAs(best.objectives);
      assertThat(Arrays.stream(found).sum()).isCloseTo(1, within(1e-12));
      assertThat(Arrays.stream(found).filter(p -> p != 0).count()).isBetween(1L, m + 1L);
      assertThat(Arrays.stream(found).min().orElseThrow()).isNotNegative();
      assertThat(expected(found, i -> best.objectives[i]))
          .isCloseTo(best.expected_objective, within(1e-8));
      for (int k = 0; k < m; k++) {
        int constraint = k;
        assertThat(expected(found, i -> best.violations[i][constraint]))
            .isLessThan(best.least_violation + 1e-9);
      }
    }
  }

  @Test
  void aMixtureIsFeasibleWhereNoCandidateIsGood() {
    double[] found =
        Candidates.findBestCandidateDistribution(
            new double[] {0.1, 0.5, 0.4}, new double[][] {{0.3}, {-0.1}, {0.1}});
    assertThat(found).containsExactly(new double[] {0.25, 0.75, 0}, within(1e-12));
  }

  @Test
  void withoutConstraintsTheLowestObjectiveIsAll() {
    assertThat(
            Candidates.findBestCandidateDistribution(
                new double[] {2, 1, 3}, new double[][] {{}, {}, {}}))
        .containsExactly(0, 1, 0);
  }

  @Test
  void aMixtureNeedsFiniteNumbersOfEachCandidate() {
    assertThatThrownBy(
            () -> Candidates.findBestCandidateDistribution(new double[0], new double[0][]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a candidate at least");
    for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThatThrownBy(
              () ->
                  Candidates.findBestCandidateDistribution(
                      new double[] {1, 2}, new double[][] {{0}, {bad}}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("candidate 1")
          .hasMessageContaining("leave that candidate out");
    }
  }
}
