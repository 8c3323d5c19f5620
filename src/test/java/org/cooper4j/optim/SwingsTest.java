package org.cooper4j.optim;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SwingsTest {
  private static final int NEVER = -1;

  private Swings swings;

  /** The first of n steps at which the number was said to swing. */
  private int flaggedIn(int n, IntToDoubleFunction value) {
    swings = new Swings();
    return flaggedAsWell(n, value);
  }

  private int flaggedAsWell(int n, IntToDoubleFunction value) {
    int first = NEVER;
    for (int i = 0; i < n; i++) {
      swings.observe(value.applyAsDouble(i));
      if (first == NEVER && swings.areGoingOn()) {
        first = i;
      }
    }
    return first;
  }

  private static double wave(double halfSwing, double step) {
    return Math.cos(Math.PI * step / halfSwing);
  }

  @ParameterizedTest
  @ValueSource(doubles = {1, 1.5, 2, 3.2, 6.7, 31, 314, 2000})
  void aSwingThatLastsOrGrowsIsFoundAtAnyLength(double halfSwing) {
    int enough = (int) Math.max(80, 10 * halfSwing);
    assertThat(flaggedIn(enough, i -> wave(halfSwing, i))).isBetween(0, enough);
    assertThat(swings.areGoingOn()).isTrue();
    assertThat(flaggedIn(enough, i -> Math.pow(1.1, i / halfSwing) * wave(halfSwing, i)))
        .isBetween(0, enough);
    assertThat(swings.areGoingOn()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(doubles = {1, 1.5, 2, 3.2, 6.7, 31, 314})
  void aDampedSwingIsNone(double halfSwing) {
    int steps = (int) (100 * halfSwing);
    for (double decay : new double[] {0.5, 0.9, 0.99}) {
      assertThat(flaggedIn(steps, i -> Math.pow(decay, i / halfSwing) * wave(halfSwing, i)))
          .isEqualTo(NEVER);
    }
  }

  @Test
  void monotoneConvergenceIsNone() {
    assertThat(flaggedIn(5000, i -> 3 * Math.pow(0.99, i))).isEqualTo(NEVER);
    assertThat(flaggedIn(5000, i -> -1 - Math.pow(0.99, i))).isEqualTo(NEVER);
    assertThat(flaggedIn(5000, i -> 0)).isEqualTo(NEVER);
  }

  @Test
  void noiseAboutAPlateauIsNone() {
    Random random = new Random(0);
    for (double plateau : new double[] {0, 0.1, -0.5, 1}) {
      assertThat(flaggedIn(50_000, i -> plateau + random.nextGaussian())).isEqualTo(NEVER);
      assertThat(flaggedIn(50_000, i -> plateau + random.nextDouble() - 0.5)).isEqualTo(NEVER);
    }
    assertThat(flaggedIn(50_000, i -> random.nextBoolean() ? 1 : -1)).isEqualTo(NEVER);
    for (double memory : new double[] {0.5, 0.9, 0.99}) {
      double[] walk = {0};
      assertThat(flaggedIn(50_000, i -> walk[0] = memory * walk[0] + random.nextGaussian()))
          .isEqualTo(NEVER);
    }
  }

  @Test
  void aSlowSwingIsFoundUnderNoiseAndAfterALargeTransient() {
    Random random = new Random(0);
    assertThat(flaggedIn(3000, i -> wave(100, i) + 0.1 * random.nextGaussian()))
        .isNotEqualTo(NEVER);
    assertThat(flaggedIn(3000, i -> 500 * Math.pow(0.95, i) + wave(25, i))).isNotEqualTo(NEVER);
    assertThat(swings.areGoingOn()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(doubles = {15, 30, 60, 150})
  void aLimitCycleIsFoundUnderModerateNoise(double halfSwing) {
    for (int seed = 0; seed < 5; seed++) {
      Random random = new Random(seed);
      assertThat(flaggedIn(4000, i -> wave(halfSwing, i) + 0.3 * random.nextGaussian()))
          .isNotEqualTo(NEVER);
    }
  }

  @Test
  void noiseAboutATrendOrAboutWhatConvergesIsNone() {
    for (int seed = 0; seed < 5; seed++) {
      Random random = new Random(seed);
      assertThat(flaggedIn(20_000, i -> -5 + 5e-4 * i + 0.3 * random.nextGaussian()))
          .isEqualTo(NEVER);
      assertThat(flaggedIn(20_000, i -> 3 * Math.pow(0.999, i) + 0.3 * random.nextGaussian()))
          .isEqualTo(NEVER);
    }
  }

  @Test
  void aSwingThatEndedIsNoneAnyMore() {
    assertThat(flaggedIn(1500, i -> wave(25, i))).isNotEqualTo(NEVER);
    flaggedAsWell(100, i -> Math.pow(0.9, i));
    assertThat(swings.areGoingOn()).isFalse();
  }
}
