package org.cooper4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.cooper4j.Devices.values;
import static org.cooper4j.Devices.vector;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.EveryDevice;
import org.cooper4j.multipliers.DenseMultiplier;
import org.junit.jupiter.api.Test;

/** How long things live, and which thread they belong to. */
@EveryDevice
class LifetimeTest {
  private static final class Line extends ConstrainedMinimizationProblem<Runnable> {
    final Tensor x = vector(0).requires_grad_(true);
    final Constraint c =
        register("c", new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(vector(0.25))));
    final SimultaneousOptimizer<Runnable> optimizer =
        new SimultaneousOptimizer<>(
            this,
            new SGD(new TensorVector(x), new SGDOptions(0.1)),
            new SGD(dualParameters(), new SGDOptions(0.5)));

    @Override
    public CMPState computeCMPState(Runnable meanwhile) {
      if (meanwhile != null) {
        meanwhile.run();
      }
      return CMPState.of(x.square().sum()).observe(c, x.neg().add(new Scalar(1.0)));
    }
  }

  private static void isIllegal(ThrowingCallable call, String message) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining(message);
  }

  @Test
  void aClosedOptimizerSaysSoAndClosingAgainDoesNothing() {
    Line line = new Line();
    RollOut rollOut = line.optimizer.roll();
    line.optimizer.close();
    line.optimizer.close();
    for (ThrowingCallable use :
        List.<ThrowingCallable>of(
            line.optimizer::roll,
            line.optimizer::zeroGrad,
            line.optimizer::primalStep,
            line.optimizer::dualStep,
            line.optimizer::stateDict,
            () -> line.optimizer.loadStateDict(Map.of()))) {
      isIllegal(use, "this optimizer was closed");
    }
    isIllegal(rollOut::loss, "released by the next roll, or by close()");
  }

  @Test
  void closingReleasesWhatTheLastRollMade() {
    Line line = new Line();
    line.optimizer.roll();
    long count = Pointer.totalCount();
    line.optimizer.roll();
    line.optimizer.close();
    assertThat(Pointer.totalCount()).isLessThan(count);
  }

  @Test
  void aPointerScopeAroundEverythingLeavesNothing() {
    for (boolean fails : new boolean[] {false, true}) {
      for (int i = 0; i < 3; i++) {
        long count = Pointer.totalCount();
        SimultaneousOptimizer<Runnable> optimizer;
        try (PointerScope trial = new PointerScope()) {
          Line line = new Line();
          optimizer = line.optimizer;
          optimizer.roll();
          optimizer.roll();
          if (fails) {
            assertThatThrownBy(
                    () ->
                        optimizer.roll(
                            () -> {
                              throw new IllegalArgumentException("no data");
                            }))
                .hasMessage("no data");
          }
        }
        assertThat(Pointer.totalCount()).isLessThanOrEqualTo(count);
        isIllegal(optimizer::roll, "the PointerScope that it was made in has ended");
      }
    }
  }

  @Test
  void aRollInsideARollIsRefused() {
    Line line = new Line();
    isIllegal(
        () -> line.optimizer.roll(() -> line.optimizer.roll(null)),
        "neither computeCMPState nor a hook may roll or close it");
    isIllegal(
        () -> line.optimizer.roll(line.optimizer::close),
        "neither computeCMPState nor a hook may roll or close it");
    assertThat(values(line.x)).containsExactly(0);
    line.optimizer.roll();
  }

  @Test
  void aStepInsideARollIsRefused() {
    Line line = new Line();
    for (Runnable step :
        List.<Runnable>of(
            line.optimizer::primalStep, line.optimizer::dualStep, line.optimizer::zeroGrad)) {
      isIllegal(() -> line.optimizer.roll(step), "steps by itself");
    }
    assertThat(values(line.x)).containsExactly(0);
    boolean[] steps = {true};
    line.optimizer.beforePrimalStep(
        gradients -> {
          if (steps[0]) {
            line.optimizer.primalStep();
          }
        });
    isIllegal(() -> line.optimizer.roll(null), "steps by itself");
    assertThat(values(line.x)).containsExactly(0);
    steps[0] = false;
    line.optimizer.roll();
    line.optimizer.primalStep();
  }

  @Test
  void anOptimizerThatIsClosedInARollIsSaidToBeThat() {
    for (boolean primal : new boolean[] {true, false}) {
      for (int place = 0; place < 4; place++) {
        Line line = new Line();
        var optimizers =
            primal ? line.optimizer.primalOptimizers() : line.optimizer.dualOptimizers();
        Runnable close = optimizers.get(0)::close;
        switch (place) {
          case 0 -> line.optimizer.beforePrimalStep(gradients -> close.run());
          case 1 -> line.optimizer.beforeDualStep(gradients -> close.run());
          case 2 -> {
            GradientHook clip =
                gradients -> {
                  close.run();
                  gradients.clipNorm(1);
                };
            if (primal) {
              line.optimizer.beforePrimalStep(clip);
            } else {
              line.optimizer.beforeDualStep(clip);
            }
          }
          default -> {}
        }
        Runnable inTheProblem = place == 3 ? close : null;
        isIllegal(() -> line.optimizer.roll(inTheProblem), "was closed");
        assertThat(values(line.x)).containsExactly(0);
      }
    }
  }

  @Test
  void anotherOptimizerMayRollInsideARoll() {
    Line outer = new Line();
    Line inner = new Line();
    RollOut rollOut = outer.optimizer.roll(() -> inner.optimizer.roll());
    assertThat(values(rollOut.loss())).containsExactly(0);
  }

  @Test
  void anotherThreadIsRefusedDuringARollAndMayRollAfterwards() throws Exception {
    Line line = new Line();
    ExecutorService other = Executors.newSingleThreadExecutor();
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    try {
      Future<?> rolling =
          other.submit(
              () ->
                  line.optimizer.roll(
                      () -> {
                        inside.countDown();
                        await(end);
                      }));
      await(inside);
      for (ThrowingCallable use :
          List.<ThrowingCallable>of(
              line.optimizer::roll,
              line.optimizer::zeroGrad,
              line.optimizer::stateDict,
              line.optimizer::close)) {
        isIllegal(use, "an optimizer belongs to one thread at a time");
      }
      end.countDown();
      rolling.get();
      line.optimizer.roll();
    } finally {
      end.countDown();
      other.shutdown();
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void whatARollGaveIsNotReadInAnotherThread() throws Exception {
    Line line = new Line();
    RollOut rollOut = line.optimizer.roll();
    ExecutorService other = Executors.newSingleThreadExecutor();
    try {
      for (Supplier<?> read :
          List.<Supplier<?>>of(
              rollOut::loss,
              () -> rollOut.cmpState().loss(),
              () -> rollOut.cmpState().observedConstraints(),
              () -> rollOut.cmpState().namedObservedViolations(),
              () -> rollOut.primalLagrangianStore().lagrangian(),
              () -> rollOut.dualLagrangianStore().multiplierValues(),
              () -> rollOut.dualLagrangianStore().observedPenaltyCoefficientValues())) {
        assertThatThrownBy(() -> other.submit(read::get).get())
            .isInstanceOf(ExecutionException.class)
            .cause()
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("belongs to thread");
      }
      assertThat(other.submit(rollOut::toString).get()).contains("of another roll or thread");
      assertThat(other.submit(() -> rollOut.cmpState().misc()).get()).isEmpty();
    } finally {
      other.shutdown();
    }
    assertThat(values(rollOut.loss())).containsExactly(0);
  }

  @Test
  void aTensorKeptOverRollsIsAnErrorThatSaysWhatToDo() {
    Line line = new Line();
    Tensor[] kept = new Tensor[1];
    line.optimizer.roll(() -> kept[0] = line.x.mul(new Scalar(2.0)));
    line.optimizer.roll();
    for (Runnable use :
        List.<Runnable>of(() -> kept[0].add(new Scalar(1.0)), () -> line.x.add(kept[0]))) {
      assertThatThrownBy(() -> line.optimizer.roll(use))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("computeCMPState used a tensor")
          .hasMessageContaining("for add() at")
          .hasMessageContaining("LifetimeTest")
          .hasMessageContaining("retainReference()")
          .hasMessageContaining("docs/troubleshooting.md#released");
    }
    assertThatThrownBy(
            () ->
                line.optimizer.roll(
                    () -> {
                      throw new NullPointerException("of your own");
                    }))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("of your own");
  }

  @Test
  void textsSayWhatThingsHold() {
    Line line = new Line();
    RollOut rollOut = line.optimizer.roll();
    assertThat(rollOut.cmpState())
        .hasToString("CMPState(loss: float32[], c: violation float32[1])");
    assertThat(rollOut.primalLagrangianStore()).hasToString("primal LagrangianStore(c)");
    assertThat(rollOut.toString()).startsWith("RollOut(CMPState(loss").contains("dual Lagr");
    assertThat(line.optimizer.toString())
        .startsWith("SimultaneousOptimizer(Line(")
        .contains("primalOptimizers=[SGD]");
    line.optimizer.close();
    assertThat(line.optimizer.toString()).contains("closed");
    assertThat(rollOut.toString()).contains("of another roll or thread");
  }
}
