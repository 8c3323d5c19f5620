package org.cooper4j.comparison;

import java.util.function.IntConsumer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.cooper4j.Constraint;
import org.cooper4j.data.Batch;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.NotFiniteException;
import org.cooper4j.solver.Solver;

/** Runs an algorithm on a problem, which makes a trace. */
final class Runs {
  /** How often a training is measured on all data. */
  static final int MEASURES = 40;

  private Runs() {}

  /** Plain ones, whose multipliers start from 0. */
  static Constraints lagrangian() {
    return (type, size, dtype) ->
        new Constraint(type, new DenseMultiplier(size, new Device("cpu"), dtype));
  }

  /** Our solver, as it is. */
  static Trace solve(Published problem, long budget) {
    Trace trace = new Trace(budget, problem.optimum());
    try (PointerScope scope = new PointerScope()) {
      Task task = problem.task().apply(lagrangian());
      task.observe(state -> trace.evaluated(Task.measured(state)));
      new Solver<>(task, task.variables()).minimize();
    } catch (Trace.Enough over) {
      // The trace has what there was.
    }
    return trace;
  }

  static Trace run(Published problem, Algorithm algorithm, double rate, double knob, long budget) {
    Trace trace = new Trace(budget, problem.optimum());
    try (PointerScope scope = new PointerScope()) {
      Task task = problem.task().apply(algorithm.constraints().apply(knob));
      Algorithm.Step step = algorithm.maker().make(task, rate, knob);
      task.observe(state -> trace.evaluated(Task.measured(state)));
      while (true) {
        task.batches().forEach(step::on);
      }
    } catch (Trace.Enough | NotFiniteException over) {
      return trace;
    }
  }

  /** Our solver on all data at a time; an evaluation counts as the batches of an epoch. */
  static Trace solve(Use use, long maxEvaluations) {
    Trace trace = new Trace(Long.MAX_VALUE, Double.NaN);
    try (PointerScope scope = new PointerScope()) {
      Task task = use.start(lagrangian(), 0);
      long[] epoch = {0};
      task.batches().forEach(batch -> epoch[0]++);
      task.observe(state -> trace.measured(epoch[0], Task.measured(state), 0));
      new Solver<>(task, task.variables()).maxEvaluations(maxEvaluations).minimize();
    }
    return trace;
  }

  static Trace run(Use use, Algorithm algorithm, double knob, int steps) {
    Trace trace = new Trace(Long.MAX_VALUE, Double.NaN);
    try (PointerScope scope = new PointerScope()) {
      Task task = use.start(algorithm.constraints().apply(knob), 0);
      Algorithm.Step step = algorithm.maker().make(task, use.rate(), knob);
      int every = steps / MEASURES;
      measure(task, 0, trace);
      train(
          task,
          step,
          steps,
          done -> {
            if (done % every == 0) {
              measure(task, every, trace);
            }
          });
    } catch (NotFiniteException over) {
      // The trace has what there was.
    }
    return trace;
  }

  /** Makes so many steps; someone is told after each how many have been made. */
  static void train(Task task, Algorithm.Step step, int steps, IntConsumer made) {
    int done = 0;
    while (true) {
      for (Batch batch : task.batches()) {
        step.on(batch);
        made.accept(++done);
        if (done == steps) {
          return;
        }
      }
    }
  }

  private static void measure(Task task, long more, Trace trace) {
    long now = System.nanoTime();
    try (PointerScope scope = new PointerScope()) {
      Measured measured = task.measure();
      trace.measured(more, measured, System.nanoTime() - now);
    }
  }
}
