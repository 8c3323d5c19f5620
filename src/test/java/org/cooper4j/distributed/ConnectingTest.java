package org.cooper4j.distributed;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How processes find each other, and what they print meanwhile. */
@EnabledOnOs(OS.LINUX)
class ConnectingTest {
  private static final String LONG = "60000";

  @TempDir Path folder;

  private Ranks start(int size, Map<String, String> environment, String... arguments)
      throws Exception {
    return Ranks.start(size, folder, environment, rank -> List.of(), Connecting.class, arguments);
  }

  /** Only the second of two, whose store is nowhere. */
  private Ranks second(String... arguments) throws Exception {
    return start(1, Map.of("RANK", "1", "WORLD_SIZE", "2"), arguments);
  }

  private static void assertFails(Ranks ranks, int rank, String... texts) throws Exception {
    assertThat(ranks.end(rank)).as(ranks.output(rank)).isEqualTo(3);
    assertThat(ranks.output(rank))
        .contains(texts)
        .doesNotContain("frame #", "Exception raised", "[c10d]", "[Gloo]")
        .hasLineCount(1);
  }

  @Test
  void aStoreThatIsNotThereIsNamedInOneLine() throws Exception {
    try (Ranks ranks = second("once", "1500")) {
      assertFails(
          ranks,
          0,
          "ProcessGroupException: rank 1 did not reach the store at 127.0.0.1:",
          "1500 ms");
    }
  }

  @Test
  void aVariableThatIsMissingIsNamed() throws Exception {
    try (Ranks ranks = start(1, Map.of("MASTER_ADDR", ""), "once", "1500")) {
      assertFails(
          ranks,
          0,
          "IllegalArgumentException: the environment variable MASTER_ADDR is not set; expected",
          "torchrun");
    }
  }

  @Test
  void whoWaitsForAnotherNumberOfProcessesIsToldByAll() throws Exception {
    try (Ranks ranks =
        Ranks.start(
            2,
            folder,
            Map.of(),
            rank -> rank == 1 ? List.of("env", "WORLD_SIZE=3") : List.of(),
            Connecting.class,
            "once",
            LONG)) {
      for (int rank = 0; rank < 2; rank++) {
        assertFails(
            ranks,
            rank,
            " and 2 processes (WORLD_SIZE), rank 1 has LibTorch",
            " and 3 processes (WORLD_SIZE); all must have the same");
      }
    }
  }

  @Test
  void aRankThatDoesNotComeIsNamed() throws Exception {
    try (Ranks ranks = start(1, Map.of("WORLD_SIZE", "2"), "once", "1500")) {
      assertFails(ranks, 0, "rank 1 did not come, or no longer answered", "within 1500 ms");
    }
  }

  @Test
  void whoWaitsForAStoreSeesAnInterrupt() throws Exception {
    try (Ranks ranks = second("interrupted", LONG)) {
      assertFails(ranks, 0, "rank 1 was interrupted while it waited for the store at 127.0.0.1:");
    }
  }

  @Test
  void groupsThatConnectAtATimePrintNothing() throws Exception {
    String first = "" + Ranks.freePort();
    String second = "" + Ranks.freePort();
    try (Ranks ranks = start(2, Map.of(), "twice", LONG, first, second)) {
      ranks.assertSuccess();
      for (int rank = 0; rank < 2; rank++) {
        assertThat(ranks.output(rank).lines()).containsExactly("sum 2.0", "sum 2.0");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "localhost", "127.0.1.1"})
  void aLoopbackAddressDoesOnOneMachine(String address) throws Exception {
    try (Ranks ranks = start(2, Map.of("MASTER_ADDR", address), "once", LONG)) {
      ranks.assertSuccess();
      assertThat(ranks.output(1)).contains("sum 2.0");
    }
  }

  @Test
  void theInterfaceThatIsNamedIsUsed() throws Exception {
    try (Ranks ranks = start(2, Map.of("GLOO_SOCKET_IFNAME", "lo"), "once", LONG)) {
      ranks.assertSuccess();
    }
    try (Ranks ranks = start(2, Map.of("GLOO_SOCKET_IFNAME", "nosuch0"), "once", LONG)) {
      for (int rank = 0; rank < 2; rank++) {
        assertFails(ranks, rank, "nosuch0");
      }
    }
  }

  @Test
  void twoHostsConnectByANameThatIsLoopbackOnItsOwn() throws Exception {
    try (Hosts hosts = Hosts.make();
        Ranks ranks =
            Ranks.start(
                2,
                folder,
                Map.of("MASTER_ADDR", Hosts.FIRST),
                hosts::on,
                Connecting.class,
                "once",
                LONG)) {
      ranks.assertSuccess();
      assertThat(ranks.output(1)).contains("sum 2.0");
    }
  }

  @Test
  void twoHostsSendOverTheInterfaceThatIsNamed() throws Exception {
    Map<String, String> environment = new HashMap<>();
    environment.put("MASTER_ADDR", Hosts.FIRST);
    environment.put("GLOO_SOCKET_IFNAME", Hosts.SECOND_INTERFACE);
    try (Hosts hosts = Hosts.make()) {
      long before = hosts.sent(1, Hosts.SECOND_INTERFACE);
      try (Ranks ranks =
          Ranks.start(2, folder, environment, hosts::on, Connecting.class, "once", LONG)) {
        ranks.assertSuccess();
      }
      assertThat(hosts.sent(1, Hosts.SECOND_INTERFACE) - before).isGreaterThan(1 << 18);
      assertThat(hosts.sent(1, Hosts.INTERFACE)).isLessThan(1 << 18);
    }
  }

  private Ranks train(Hosts hosts) throws Exception {
    Ranks ranks =
        Ranks.start(
            2,
            folder,
            Map.of("MASTER_ADDR", Hosts.FIRST),
            hosts::on,
            Disturbed.class,
            "train",
            "on");
    ranks.await(0, "rolling");
    ranks.await(1, "rolling");
    return ranks;
  }

  @Test
  void aCutBetweenHostsEndsBoth() throws Exception {
    try (Hosts hosts = Hosts.make();
        Ranks ranks = train(hosts)) {
      hosts.cut();
      for (int rank = 0; rank < 2; rank++) {
        assertThat(ranks.end(rank)).as(ranks.output(rank)).isEqualTo(3);
      }
      assertThat(ranks.output(0))
          .contains("ProcessGroupException", "rank 1 no longer answered", "a roll");
      assertThat(ranks.output(1))
          .contains("ProcessGroupException", "the store of the group no longer answers", "a roll");
    }
  }

  @Test
  void aCutThatIsMendedInTimeIsWaitedFor() throws Exception {
    try (Hosts hosts = Hosts.make();
        Ranks ranks = train(hosts)) {
      hosts.cut();
      Thread.sleep(2000);
      String until = ranks.output(0);
      hosts.mend();
      while (ranks.output(0).equals(until)) {
        assertThat(ranks.process(0).isAlive()).as(ranks.output(0)).isTrue();
        Thread.sleep(50);
      }
      assertThat(ranks.output(0)).doesNotContain("ProcessGroupException");
      assertThat(ranks.output(1)).doesNotContain("ProcessGroupException");
    }
  }
}
