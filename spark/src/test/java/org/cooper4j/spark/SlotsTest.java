package org.cooper4j.spark;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.apache.spark.SparkConf;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What can never run is said before anything runs; what may come is waited for. */
class SlotsTest {
  private static SparkConf conf(String settings) {
    SparkConf conf = new SparkConf(false);
    for (String setting : settings.split(" ")) {
      conf.set("spark." + setting.split("=")[0], setting.split("=")[1]);
    }
    return conf;
  }

  @ParameterizedTest
  @CsvSource({
    "local, task.cpus=1, 1",
    "local[2], task.cpus=1, 2",
    "'local[8,3]', task.cpus=3, 2",
    "spark://host:7077, cores.max=5 task.cpus=2, 2",
    "yarn, executor.instances=3 executor.cores=4, 12",
    "yarn, executor.instances=3 executor.cores=5 task.cpus=2, 6",
    "k8s://host, task.cpus=1, 2",
  })
  void theConfigurationSaysHowManyThereAre(String master, String settings, int slots) {
    SparkConf conf = conf(settings);
    assertThatCode(() -> Slots.require(slots, master, conf)).doesNotThrowAnyException();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Slots.require(slots + 1, master, conf))
        .withMessageContaining("%s has %d slots at most".formatted(master, slots))
        .withMessageContaining("setNumWorkers(" + slots + ")");
  }

  @ParameterizedTest
  @CsvSource({
    "spark://host:7077, executor.cores=2",
    "'local-cluster[2,1,1024]', task.cpus=1",
    "local[*], task.cpus=1",
  })
  void othersAreWaitedFor(String master, String settings) {
    int workers = master.equals("local[*]") ? Runtime.getRuntime().availableProcessors() : 100;
    assertThatCode(() -> Slots.require(workers, master, conf(settings))).doesNotThrowAnyException();
  }

  @Test
  void dynamicAllocationIsRefusedWhereItTakesEffect() {
    SparkConf dynamic = conf("dynamicAllocation.enabled=true");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Slots.require(1, "yarn", dynamic))
        .withMessageContaining("spark.dynamicAllocation.enabled=false");
    assertThatCode(() -> Slots.require(1, "local[1]", dynamic)).doesNotThrowAnyException();
  }
}
