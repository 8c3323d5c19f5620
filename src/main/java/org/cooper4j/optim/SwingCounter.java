package org.cooper4j.optim;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Whether a number swings about 0 without dying out, be a swing two steps long or a thousand. The
 * latest swings must be alike in length and must not lose energy. Noise about 0 changes its sign as
 * well, so there must also be as many as would not come about by tossing a coin.
 */
final class SwingCounter {
  private static final int MOST = 32;

  /** How improbable the swings' lengths must be as tosses of a coin: 2⁻²⁴. */
  private static final double BITS = 24;

  /** Of what the number reached on one side, this part on the other counts as a turn. */
  private static final double TURN = 0.3;

  /** Swings that lose no energy still differ by where in them the steps fall. */
  private static final double KEPT = 0.97;

  /** In steps: so soon a peak is forgotten by half, if half swings are no longer than that. */
  private static final double MEMORY = 16;

  /** Both half swings' lengths in steps, and the sum of squares. */
  private record Swing(int first, int second, double energy) {}

  /** Latest first. */
  private final Deque<Swing> swings = new ArrayDeque<>();

  private final int fewest;

  private boolean kept;
  private long halves;
  private int lengthBefore;
  private double energyBefore;

  // The present half swing.
  private double sign;
  private int length;
  private double energy;
  private double peak;
  private int sincePeak;
  private double memory = MEMORY;

  /** Looks at so many swings at least. */
  SwingCounter(int fewest) {
    this.fewest = fewest;
  }

  void observe(double value) {
    double size = Math.abs(value);
    if (sign == 0) {
      sign = Math.signum(value);
    }
    if (value * sign < 0 && size >= TURN * peak * Math.pow(2, -sincePeak / memory)) {
      turn();
    }
    length++;
    energy += value * value;
    sincePeak++;
    if (size >= peak) {
      peak = size;
      sincePeak = 0;
    }
    memory = Math.max(MEMORY, memory - 0.2);
  }

  private void turn() {
    halves++;
    // The first half swing began somewhere in its course.
    if (halves >= 3 && halves % 2 == 1) {
      if (swings.size() == MOST) {
        swings.removeLast();
      }
      swings.addFirst(new Swing(lengthBefore, length, energyBefore + energy));
      kept = areKept();
    }
    memory = Math.max(memory, length);
    lengthBefore = length;
    energyBefore = energy;
    sign = -sign;
    length = 0;
    energy = 0;
    peak = 0;
    sincePeak = 0;
  }

  /** Whether it still does: the present half swing must not be overdue. */
  boolean areGoingOn() {
    if (!kept) {
      return false;
    }
    Swing last = swings.getFirst();
    int expected = halves % 2 == 1 ? last.first() : last.second();
    return length <= expected || alike(expected, length);
  }

  private boolean areKept() {
    Range first = new Range();
    Range second = new Range();
    List<Double> energies = new ArrayList<>();
    for (Swing swing : swings) {
      first.add(swing.first());
      second.add(swing.second());
      int n = energies.size();
      boolean lost = n > 0 && energies.get(n - 1) < swing.energy() / 2;
      if (lost || !alike(first.min, first.max) || !alike(second.min, second.max)) {
        return false;
      }
      energies.add(swing.energy());
      // A coin that falls on one side as often as the number did.
      double side = first.sum / (first.sum + second.sum);
      double bits = (n + 1) * (first.bits(side) + second.bits(1 - side));
      if (n + 1 >= fewest && bits >= BITS) {
        int half = (n + 1) / 2;
        return sum(energies.subList(0, half)) >= KEPT * sum(energies.subList(n + 1 - half, n + 1));
      }
    }
    return false;
  }

  private static boolean alike(int shorter, int longer) {
    return longer - shorter <= Math.max(1, shorter / 2);
  }

  private static double sum(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).sum();
  }

  private static final class Range {
    int min = Integer.MAX_VALUE;
    int max;
    double sum;

    void add(int length) {
      min = Math.min(min, length);
      max = Math.max(max, length);
      sum += length;
    }

    /** How improbable a run of such a length is if the next step stays on its side so often. */
    double bits(double stays) {
      return -Math.log(Math.pow(stays, min - 1) - Math.pow(stays, max)) / Math.log(2);
    }
  }
}
