package org.cooper4j.distributed;

import java.time.Duration;
import java.util.List;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.SimultaneousOptimizer;

/**
 * A rank of a training that something happens to. It prints "rolling" after some rolls, then an
 * error's message or "done".
 */
final class Disturbed {
  private static final int STEPS = 1_000_000;

  private Disturbed() {}

  public static void main(String[] arguments) throws Exception {
    String how = arguments[0];
    try (ProcessGroup group = ProcessGroup.fromEnvironment(Duration.ofSeconds(10))) {
      boolean last = group.rank() == group.size() - 1;
      if (!how.equals("train")) {
        call(group, how, last);
        System.out.println("done");
        return;
      }
      Tensor x = torch.ones(new long[] {last && arguments[1].equals("shape") ? 3 : 2});
      x.requires_grad_(true);
      Constraint c = new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(1));
      int[] step = {0};
      var problem =
          ConstrainedMinimizationProblem.<Object>of(
              java.util.Map.of("c", c),
              unused -> {
                if (last && step[0] == 20 && arguments[1].equals("throw")) {
                  throw new IllegalArgumentException("no such file");
                }
                Tensor sum = x.square().sum();
                CMPState state = CMPState.of(sum);
                return last && step[0] == 20 && arguments[1].equals("observe")
                    ? state
                    : state.observe(c, x.sum().neg().unsqueeze(0));
              });
      var optimizer =
          new SimultaneousOptimizer<Object>(
              problem,
              new SGD(new TensorVector(x), new SGDOptions(0.01)),
              new SGD(problem.dualParameters(), new SGDOptions(0.01)));
      optimizer.distribute(group);
      for (; step[0] < STEPS; step[0]++) {
        if (step[0] == 20) {
          System.out.println("rolling");
          if (last && arguments[1].equals("fewer")) {
            return;
          }
          if (arguments[1].equals("interrupt")) {
            if (last) {
              interruptSoon(Thread.currentThread());
            } else {
              Thread.sleep(5000);
            }
          }
        }
        if (step[0] % 500 == 499) {
          System.out.println("rolled " + (step[0] + 1));
        }
        optimizer.roll(null);
      }
    } catch (RuntimeException e) {
      System.out.println(e.getClass().getSimpleName() + ": " + e.getMessage());
      System.exit(3);
    }
  }

  static void interruptSoon(Thread thread) {
    Thread interrupter =
        new Thread(
            () -> {
              try {
                Thread.sleep(1500);
              } catch (InterruptedException e) {
                return;
              }
              thread.interrupt();
            });
    interrupter.setDaemon(true);
    interrupter.start();
  }

  private static void call(ProcessGroup group, String how, boolean last) throws Exception {
    switch (how) {
      case "late", "never" -> {
        if (how.equals("late")) {
          group.sum(torch.ones(3));
        }
        if (last) {
          Thread.sleep(7000); // until the other has given up
        }
        group.barrier(Duration.ofSeconds(2));
      }
      case "sum size" -> group.sum(torch.ones(last ? 5 : 3));
      case "sum dtype" ->
          group.sum(
              torch.ones(
                  new long[] {3}, new TensorOptions(last ? ScalarType.Double : ScalarType.Float)));
      case "gather" -> group.allGather(torch.ones(2, last ? 3 : 4));
      case "broadcast" -> group.broadcast(List.of(torch.ones(last ? 3 : 4)));
      case "other call" -> {
        if (last) {
          group.barrier();
        } else {
          group.sum(torch.ones(3));
        }
      }
      default -> throw new IllegalArgumentException(how);
    }
  }
}
