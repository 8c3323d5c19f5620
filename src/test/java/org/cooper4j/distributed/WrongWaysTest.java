package org.cooper4j.distributed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What two processes end at in which something is done that must not be. Were the tests of equality
 * blind to it, these would fail.
 */
@EnabledOnOs(OS.LINUX)
class WrongWaysTest {
  private static final double SEEN = 1e-3;

  private static final List<Map<String, double[]>> RANKS = new ArrayList<>();

  @BeforeAll
  static void trainByHand(@TempDir Path folder) throws Exception {
    try (Ranks ranks = Ranks.start(2, folder, ByHand.class, folder.resolve("run").toString())) {
      ranks.assertSuccess();
    }
    RANKS.clear();
    for (int rank = 0; rank < 2; rank++) {
      RANKS.add(Cases.read(folder.resolve("run" + rank)));
    }
  }

  private static double[] alone(ByHand.Way way, String kind) {
    try (ProcessGroup group = ProcessGroup.fromEnvironment();
        PointerScope scope = new PointerScope()) {
      return new Cases(group, group, group::sum, way.batches()).variables(kind);
    }
  }

  private static double difference(double[] some, double[] others) {
    double largest = 0;
    for (int i = 0; i < some.length; i++) {
      largest = Math.max(largest, Math.abs(some[i] - others[i]));
    }
    return largest;
  }

  @ParameterizedTest
  @EnumSource
  void onlyTheRightWayEndsWhereOneProcessDoes(ByHand.Way way) {
    for (String kind : way.kinds) {
      double[] alone = alone(way, kind);
      double[] first = RANKS.get(0).get(way + " " + kind);
      double[] second = RANKS.get(1).get(way + " " + kind);
      switch (way) {
        case RIGHT -> {
          assertThat(first).as(kind).containsExactly(alone, within(1e-12)).isEqualTo(second);
        }
        case NOTHING_TIMES_ZERO -> // which a roll refuses
            assertThat(first).as(kind).containsExactly(Double.NaN);
        default -> assertThat(difference(alone, first)).as(kind).isGreaterThan(SEEN);
      }
      // What each process does with values of its own drives them apart.
      if (way == ByHand.Way.OWN_STRICT || way == ByHand.Way.GRADIENTS_ONLY) {
        assertThat(difference(first, second)).as(kind).isGreaterThan(SEEN);
      }
    }
  }
}
