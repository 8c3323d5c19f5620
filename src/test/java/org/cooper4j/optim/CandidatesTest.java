package org.cooper4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class CandidatesTest {
  // Worked out by hand from the definition in the Javadoc.
  private static final double[] OBJECTIVES = {0.1, 0.2, 0.3, 0.4, 0.5};

  @Test
  void aFeasibleCandidateWinsAndTheLowerObjectiveAmongThem() {
    double[][] violations = {{0.3, -1}, {-0.1, 0.2}, {-5, 0}, {-0.2, -0.2}, {1, 1}};
    assertThat(Candidates.findBestCandidateIndex(OBJECTIVES, violations, false)).isEqualTo(2);
  }

  @Test
  void withoutAFeasibleOneTheWorstRankDecides() {
    // ranks per constraint: (1, 2, 3, 4, 5) and (5, 4, 3, 2, 1); worst: 5, 4, 3, 4, 5
    double[][] violations = {{1, 50}, {2, 40}, {3, 30}, {4, 20}, {5, 10}};
    assertThat(Candidates.findBestCandidateIndex(OBJECTIVES, violations, false)).isEqualTo(2);
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
  void whatCannotBeRankedIsRefused() {
    assertThatThrownBy(
            () -> Candidates.findBestCandidateIndex(new double[1], new double[0][], true))
        .hasMessageContaining("1 objectives and 0 rows of violations");
    assertThatThrownBy(
            () ->
                Candidates.findBestCandidateIndex(
                    new double[2], new double[][] {{1}, {Double.NaN}}, false))
        .hasMessageContaining("NaN");
  }
}
