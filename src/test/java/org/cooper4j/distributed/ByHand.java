package org.cooper4j.distributed;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.CMPState;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.internal.Optimizers;
import org.cooper4j.optim.CooperOptimizer;
import org.cooper4j.optim.Evaluation;
import org.cooper4j.optim.NotFiniteException;
import org.cooper4j.optim.Replicas;

/**
 * Training over several processes as one may write it by hand on collectives, with the mistakes
 * that one may make. {@link Way#RIGHT} makes none.
 */
final class ByHand implements Replicas {
  /** What is done, and in which cases it shows. */
  enum Way {
    RIGHT("RATE", "STRICT_RATE", "AUGMENTED", "AUGMENTED_STRICT", "NORMS", "PARITY", "ROWS"),
    /** Data-parallel training around the problem: gradients are averaged, and nothing else. */
    GRADIENTS_ONLY("RATE", "AUGMENTED"),
    /**
     * The dual step sees the violations of all, the weights of the primal one those of a process;
     * so does what sends violations and gradients in one buffer.
     */
    DUAL_STEP_ONLY("AUGMENTED", "EXPONENTIAL", "QUADRATIC"),
    /** Processes with more rows count as much as those with fewer. */
    UNWEIGHTED("RATE", "AUGMENTED"),
    /** Surrogates are averaged, what the multipliers see is each process's own. */
    OWN_STRICT("STRICT_RATE", "AUGMENTED_STRICT"),
    /** Rows are averaged as violations without features are. */
    AVERAGED_ROWS("ROWS", "AUGMENTED_ROWS"),
    /** The multipliers of rows are updated by the process that has the row. */
    OWN_ROWS("ROWS", "MODULE"),
    /** What does not depend on samples is counted once for each process. */
    SUMMED_NORMS("NORMS"),
    /** Rates of groups are averaged, instead of their sums added up. */
    AVERAGED_RATIOS("PARITY", "AUGMENTED_PARITY"),
    /** Sums are of all processes, their gradients of one. */
    SUMS_WITH_OWN_GRADIENTS("VARIANCE"),
    /** That, times the number of processes, which is right if all have as many rows. */
    SUMS_TIMES_PROCESSES("VARIANCE"),
    /** The mean over no row, which is NaN, is weighted with 0 rows. */
    NOTHING_TIMES_ZERO("RATE");

    final List<String> kinds;

    Way(String... kinds) {
      this.kinds = List.of(kinds);
    }

    int[] batches() {
      return this == NOTHING_TIMES_ZERO ? new int[] {12, 1, 7} : new int[] {12, 7, 5, 8, 11, 3};
    }
  }

  private final ProcessGroup group;
  private final Way way;

  ByHand(ProcessGroup group, Way way) {
    this.group = group;
    this.way = way;
  }

  /** What a problem's sums are made with. */
  Tensor sum(Tensor statistics) {
    Tensor all = way == Way.AVERAGED_RATIOS ? statistics : group.sum(statistics);
    if (way != Way.SUMS_WITH_OWN_GRADIENTS && way != Way.SUMS_TIMES_PROCESSES) {
      return all;
    }
    Tensor own =
        way == Way.SUMS_TIMES_PROCESSES ? statistics.mul(new Scalar(group.size())) : statistics;
    return own.add(all.detach().sub(own.detach()));
  }

  @Override
  public Replica join(CooperOptimizer<?> optimizer) {
    return new Replica() {
      @Override
      public Evaluation whole(Evaluation own) {
        return new Whole(own, optimizer);
      }
    };
  }

  /** The state of all, whose tensors are leaves, and what they are made of here. */
  private final class Whole implements Evaluation {
    private final Evaluation own;
    private final CooperOptimizer<?> optimizer;
    private final double share;
    private final List<Tensor> roots = new ArrayList<>();
    private final List<Tensor> leaves = new ArrayList<>();
    private final List<Supplier<Tensor>> gradients = new ArrayList<>();
    private final CMPState state;

    Whole(Evaluation own, CooperOptimizer<?> optimizer) {
      this.own = own;
      this.optimizer = optimizer;
      double weight = way == Way.UNWEIGHTED ? 1 : own.state().samples().orElseThrow();
      share = weight / group.sum(Tensor.create(new double[] {weight}, 1)).item_double();
      if (way == Way.GRADIENTS_ONLY) {
        state = own.state();
        return;
      }
      CMPState mine = own.state();
      state = CMPState.of(leaf(mine.loss().orElseThrow(), this::mean, share));
      mine.observedConstraints().forEach((c, its) -> state.observe(c, joined(c, its)));
    }

    private ConstraintState joined(Constraint constraint, ConstraintState its) {
      if (its.constraintFeatures().isPresent()) {
        return way == Way.OWN_ROWS ? ownRows(its) : rows(its);
      }
      Tensor violation = its.violation();
      Tensor strict =
          its.strictViolation()
              .map(t -> way == Way.OWN_STRICT ? t : mean(t))
              .orElse(way == Way.DUAL_STEP_ONLY ? mean(violation) : null);
      Tensor leaf =
          switch (way) {
            case DUAL_STEP_ONLY -> leaf(violation, Tensor::detach, share);
            case SUMMED_NORMS -> leaf(violation, t -> group.sum(t.detach()), 1);
            default -> leaf(violation, this::mean, share);
          };
      return ConstraintState.builder(leaf)
          .strictViolation(strict)
          .contributesToDualUpdate(its.contributesToDualUpdate())
          .build();
    }

    private ConstraintState ownRows(ConstraintState its) {
      return ConstraintState.builder(leaf(its.violation(), t -> t.detach().clone(), 1))
          .constraintFeatures(its.constraintFeatures().orElseThrow())
          .build();
    }

    private ConstraintState rows(ConstraintState its) {
      Tensor own = its.violation();
      Tensor all = group.allGather(own.detach()).requires_grad_(true);
      Tensor counts = torch.zeros(new long[] {group.size()}, Cases.doubles());
      counts.select(0, group.rank()).fill_(new Scalar((double) own.size(0)));
      counts = group.sum(counts).cumsum(0);
      long start = group.rank() == 0 ? 0 : (long) counts.get(group.rank() - 1).item_double();
      double factor = way == Way.AVERAGED_ROWS ? share : 1;
      add(own, all, () -> all.grad().narrow(0, start, own.size(0)).mul(new Scalar(factor)));
      return ConstraintState.builder(all)
          .constraintFeatures(group.allGather(its.constraintFeatures().orElseThrow()))
          .strictViolation(its.strictViolation().map(t -> group.allGather(t)).orElse(null))
          .strictConstraintFeatures(
              its.strictConstraintFeatures().map(t -> group.allGather(t)).orElse(null))
          .build();
    }

    private Tensor mean(Tensor tensor) {
      return group.sum(tensor.detach().mul(new Scalar(share)));
    }

    private Tensor leaf(Tensor tensor, UnaryOperator<Tensor> value, double factor) {
      Tensor leaf = value.apply(tensor).requires_grad_(true);
      add(tensor, leaf, () -> leaf.grad().mul(new Scalar(factor)));
      return leaf;
    }

    private void add(Tensor root, Tensor leaf, Supplier<Tensor> gradient) {
      roots.add(root);
      leaves.add(leaf);
      gradients.add(gradient);
    }

    @Override
    public CMPState state() {
      return state;
    }

    @Override
    public void backward(List<Tensor> whole, List<Tensor> theirs) {
      if (way == Way.GRADIENTS_ONLY) {
        own.backward(whole, theirs);
      } else {
        Evaluation.pass(whole, theirs);
        List<Tensor> reached = new ArrayList<>();
        List<Tensor> ownGradients = new ArrayList<>();
        for (int i = 0; i < roots.size(); i++) {
          if (leaves.get(i).grad().defined()) {
            reached.add(roots.get(i));
            ownGradients.add(gradients.get(i).get());
          }
        }
        own.backward(reached, ownGradients);
      }
      double factor = way == Way.GRADIENTS_ONLY ? 1.0 / group.size() : 1;
      try (NoGradGuard noGrad = new NoGradGuard()) {
        Optimizers.forEachParameter(
            optimizer.primalOptimizers(),
            p -> p.grad().copy_(group.sum(p.grad()).mul(new Scalar(factor))));
      }
    }
  }

  /** Trains in all ways and cases in which they show, and writes the variables as Cases does. */
  public static void main(String[] arguments) throws IOException {
    try (ProcessGroup group = ProcessGroup.fromEnvironment()) {
      StringBuilder text = new StringBuilder();
      for (Way way : Way.values()) {
        for (String kind : way.kinds) {
          try (PointerScope scope = new PointerScope()) {
            ByHand byHand = new ByHand(group, way);
            Cases cases = new Cases(group, byHand, byHand::sum, way.batches());
            Cases.write(text, way + " " + kind, cases.variables(kind));
          } catch (NotFiniteException e) {
            Cases.write(text, way + " " + kind, Double.NaN);
          } catch (RuntimeException e) {
            throw new IllegalStateException(way + " " + kind + ": " + e.getMessage(), e);
          }
        }
      }
      Files.writeString(Path.of(arguments[0] + group.rank()), text);
    }
  }
}
