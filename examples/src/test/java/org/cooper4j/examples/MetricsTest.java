package org.cooper4j.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MetricsTest {
  private final Metrics metrics = new Metrics("step", "loss");

  @Test
  void rowsBecomeColumns() {
    metrics.record(1L, 0.5);
    metrics.record(2L, 0.25);
    assertThat(metrics.asMap()).containsOnlyKeys("step", "loss");
    assertThat(metrics.asMap().get("step")).containsExactly(1L, 2L);
    assertThat(metrics.column("loss")).containsExactly(0.5, 0.25);
  }

  @Test
  void savedListsAreContinued() {
    metrics.load(Map.of("step", List.of(1L), "loss", List.of(0.5)));
    metrics.record(2L, 0.25);
    assertThat(metrics.column("step")).containsExactly(1, 2);
  }

  @Test
  void listsThatDoNotFitAreNamed() {
    assertThatThrownBy(() -> metrics.load(Map.of("step", List.of(1L))))
        .hasMessageContaining("all_metrics.loss: expected a list of numbers");
    assertThatThrownBy(() -> metrics.load(Map.of("step", List.of("x"), "loss", List.of(0.5))))
        .hasMessageContaining("all_metrics.step");
    assertThatThrownBy(() -> metrics.load(Map.of("step", List.of(1L), "loss", List.of())))
        .hasMessageContaining("all_metrics.loss");
    assertThat(metrics.column("step")).isEmpty();
  }
}
