package org.cooper4j.optim;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.cooper4j.Devices.vector;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.internal.Native;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rates and states of torch.optim.lr_scheduler; src/test/python/lr_schedules.py made them. */
class LRSchedulerTest {
  private static final Map<String, Schedule> SCHEDULES =
      Map.of(
          "step", Schedule.step(4, 0.5),
          "multi_step", Schedule.multiStep(0.3, 3, 11, 12),
          "exponential", Schedule.exponential(0.9),
          "cosine_annealing", Schedule.cosineAnnealing(10, 0.01),
          "linear", Schedule.linear(0.25, 1.0, 8),
          "restarts", Schedule.cosineAnnealingWarmRestarts(3, 2, 0.01));

  private static JsonObject golden(String name) {
    var json = LRSchedulerTest.class.getResourceAsStream("/lr_schedules.json");
    return JsonParser.parseReader(new InputStreamReader(json, UTF_8))
        .getAsJsonObject()
        .getAsJsonObject(name);
  }

  private static double[] numbers(JsonElement array) {
    return ((JsonArray) array).asList().stream().mapToDouble(JsonElement::getAsDouble).toArray();
  }

  private static double[] rates(LRScheduler scheduler) {
    return scheduler.getLastLr().stream().mapToDouble(Double::doubleValue).toArray();
  }

  private static SGD twoGroups() {
    SGD sgd = new SGD(new TensorVector(vector(1)), new SGDOptions(0.5));
    Native.addParamGroup(sgd, new TensorVector(vector(1)), new SGDOptions(0.1));
    return sgd;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"step", "multi_step", "exponential", "cosine_annealing", "linear", "restarts"})
  void ratesAreThoseOfTorchAlsoAfterLoadingItsState(String name) {
    JsonObject golden = golden(name);
    JsonArray expected = golden.getAsJsonArray("rates");
    LRScheduler scheduler = new LRScheduler(twoGroups(), SCHEDULES.get(name));
    for (JsonElement step : expected) {
      assertThat(rates(scheduler)).containsExactly(numbers(step));
      scheduler.step();
    }

    JsonObject state = golden.getAsJsonObject("state");
    long last = state.get("last_epoch").getAsLong();
    LRScheduler resumed = new LRScheduler(twoGroups(), SCHEDULES.get(name));
    resumed.loadStateDict(
        Map.of(
            "last_epoch",
            last,
            "base_lrs",
            List.of(0.5, 0.1),
            "_step_count",
            state.get("_step_count").getAsLong()));
    resumed.step();
    assertThat(rates(resumed))
        .containsExactly(numbers(expected.get((int) last + 1)), within(1e-12));
  }

  @Test
  void theStateGoesThroughACheckpoint(@TempDir Path folder) {
    SGD sgd = twoGroups();
    LRScheduler scheduler = new LRScheduler(sgd, Schedule.exponential(0.5));
    ScheduledValue level = new ScheduledValue(4, Schedule.linear(1, 0.25, 3));
    scheduler.step();
    level.step();
    level.step();
    Checkpoint.save(
        folder.resolve("c.pth"),
        Map.of("lr_scheduler", scheduler.stateDict(), "level", level.stateDict()));

    Checkpoint saved = Checkpoint.load(folder.resolve("c.pth"));
    LRScheduler other = new LRScheduler(twoGroups(), Schedule.exponential(0.5));
    other.loadStateDict(saved.map("lr_scheduler").asMap());
    ScheduledValue otherLevel = new ScheduledValue(4, Schedule.linear(1, 0.25, 3));
    otherLevel.loadStateDict(saved.map("level").asMap());

    other.step();
    assertThat(rates(other)).containsExactly(0.125, 0.025);
    assertThat(saved.map("lr_scheduler").integer("_step_count")).isEqualTo(2);
    assertThat(otherLevel.value()).isEqualTo(2);
  }

  @Test
  void whatDoesNotFitIsNamedAndChangesNothing() {
    LRScheduler scheduler = new LRScheduler(twoGroups(), Schedule.exponential(0.5));
    assertThatThrownBy(() -> scheduler.loadStateDict(Map.of("last_epoch", "x")))
        .hasMessage("last_epoch: expected an int of at least 0, found x");
    assertThatThrownBy(
            () -> scheduler.loadStateDict(Map.of("last_epoch", 1L, "base_lrs", List.of(0.1))))
        .hasMessageContaining("base_lrs: expected a list of 2 numbers, one a group, found [0.1]");
    assertThatThrownBy(() -> Schedule.step(0, 0.1)).hasMessageContaining("at least 1");
    scheduler.step();
    assertThat(rates(scheduler)).containsExactly(0.25, 0.05);
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
  void optionsThatAreNoNumbersAreRefused(double bad) {
    List<Runnable> makers =
        List.of(
            () -> Schedule.step(1, bad),
            () -> Schedule.multiStep(bad, 1),
            () -> Schedule.exponential(bad),
            () -> Schedule.cosineAnnealing(1, bad),
            () -> Schedule.linear(bad, 1, 1),
            () -> Schedule.linear(1, bad, 1),
            () -> new ScheduledValue(bad, (base, step) -> 1));
    for (Runnable maker : makers) {
      assertThatThrownBy(maker::run)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("is " + bad + "; it must be finite");
    }
  }

  @Test
  void aScheduleThatGivesNoNumberLeavesRatesAndStepAsTheyWere() {
    Schedule brief = (base, step) -> step < 2 ? base / (step + 1) : Double.NaN;
    LRScheduler scheduler = new LRScheduler(twoGroups(), brief);
    ScheduledValue level = new ScheduledValue(4, brief);
    scheduler.step();
    level.step();
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(scheduler::step)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("gives NaN for base 0.5 and step 2");
      assertThatThrownBy(level::step).isInstanceOf(IllegalArgumentException.class);
    }
    assertThat(rates(scheduler)).containsExactly(0.25, 0.05);
    assertThat(scheduler.stateDict()).containsEntry("last_epoch", 1L);
    assertThat(level.value()).isEqualTo(2);
    assertThatThrownBy(() -> level.loadStateDict(Map.of("last_epoch", 7)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(level.value()).isEqualTo(2);
    SGD untouched = twoGroups();
    assertThatThrownBy(() -> new LRScheduler(untouched, (base, step) -> 1 / (base - 0.1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(rates(new LRScheduler(untouched, Schedule.exponential(1))))
        .containsExactly(0.5, 0.1);
  }

  @Test
  void aStateOfOtherThingsThanNumbersIsRefused() {
    LRScheduler scheduler = new LRScheduler(twoGroups(), Schedule.exponential(0.5));
    for (List<?> rates :
        List.of(List.of(0.1, "0.2"), List.of(0.1, 0.2, "x"), List.of(0.1, Double.NaN))) {
      assertThatThrownBy(() -> scheduler.loadStateDict(Map.of("last_epoch", 1L, "base_lrs", rates)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("2 numbers");
    }
    scheduler.loadStateDict(Map.of("last_epoch", 1, "base_lrs", List.of(4, 2)));
    scheduler.step();
    assertThat(rates(scheduler)).containsExactly(1, 0.5);
  }

  @Test
  void aGroupTooManyOrAReleasedOptimizerIsNamed() {
    SGD sgd = twoGroups();
    LRScheduler scheduler = new LRScheduler(sgd, Schedule.exponential(0.5));
    Native.addParamGroup(sgd, new TensorVector(vector(1)), new SGDOptions(0.1));
    assertThatThrownBy(scheduler::step)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("has 3 groups, but had 2");
    sgd.close();
    assertThatThrownBy(scheduler::step)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("optimizer was released");
  }
}
