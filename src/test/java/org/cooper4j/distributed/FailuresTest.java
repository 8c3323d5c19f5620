package org.cooper4j.distributed;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the others see when something happens to one of two processes. */
@EnabledOnOs(OS.LINUX)
class FailuresTest {
  @TempDir private Path folder;

  private Ranks start(String... arguments) throws Exception {
    return Ranks.start(2, folder, Disturbed.class, arguments);
  }

  private static void assertEnds(Ranks ranks, int rank, String... texts) throws Exception {
    assertThat(ranks.end(rank)).as(ranks.output(rank)).isEqualTo(3);
    assertThat(ranks.output(rank)).contains(texts);
  }

  @ParameterizedTest
  @CsvSource({"KILL, 1", "STOP, 1", "KILL, 0", "STOP, 0"})
  void anEndOrAStandstillOfOneIsAnErrorOfTheOther(String signal, int rank) throws Exception {
    try (Ranks ranks = start("train", "on")) {
      ranks.await(0, "rolling");
      ranks.await(1, "rolling");
      new ProcessBuilder("kill", "-" + signal, "" + ranks.process(rank).pid()).start().waitFor();
      assertEnds(
          ranks,
          1 - rank,
          "ProcessGroupException",
          rank == 1 ? "rank 1 no longer answered" : "rank 0 or the agent");
    }
  }

  @Test
  void whatARankFailsOfTheOthersAreTold() throws Exception {
    try (Ranks ranks = start("train", "throw")) {
      assertEnds(ranks, 0, "ProcessGroupException", "rank 1 failed", "no such file");
      assertEnds(ranks, 1, "IllegalArgumentException: no such file");
    }
  }

  @Test
  void aRankThatMakesFewerStepsEndsTheGroup() throws Exception {
    try (Ranks ranks = start("train", "fewer")) {
      assertThat(ranks.end(1)).isZero();
      assertEnds(ranks, 0, "ProcessGroupException", "rank 1 has closed the group");
    }
  }

  @Test
  void aWaitEndsWithAnInterrupt() throws Exception {
    try (Ranks ranks = start("train", "interrupt")) {
      assertEnds(ranks, 1, "rank 1 was interrupted");
      assertEnds(ranks, 0, "rank 1 was interrupted");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"shape", "observe"})
  void otherProblemsAreRefusedByAll(String what) throws Exception {
    try (Ranks ranks = start("train", what)) {
      for (int rank = 0; rank < 2; rank++) {
        assertEnds(ranks, rank, "do not do the same", "rank 0 has", "rank 1 has");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"sum size", "sum dtype", "gather", "broadcast", "other call"})
  void otherCallsAreRefusedByAll(String call) throws Exception {
    try (Ranks ranks = start(call)) {
      for (int rank = 0; rank < 2; rank++) {
        assertEnds(ranks, rank, "do not do the same", "rank 0 has", "rank 1 has");
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          late  | 2 | its last was call 1, the sum of Float[3]
          never | 1 | it has made none
          """)
  void whoIsSomewhereElseIsNamedWithItsLastCall(String how, int call, String place)
      throws Exception {
    try (Ranks ranks = start(how)) {
      assertEnds(
          ranks,
          0,
          "timed out after 2000 ms in call " + call + ", a barrier",
          "rank 1 has not come there, " + place);
    }
  }

  @Test
  void whoNeverComesIsAnError() throws Exception {
    try (Ranks ranks = start("train", "on")) {
      ranks.process(1).destroyForcibly().waitFor(1, TimeUnit.MINUTES);
      assertEnds(ranks, 0, "ProcessGroupException", "rank 1");
    }
  }
}
