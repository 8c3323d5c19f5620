package org.cooper4j.comparison;

import java.util.Collections;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.data.Batch;

/** A deterministic problem in one float64 vector. */
final class Program extends Task {
  private final Tensor x;
  private final int equalities;
  private final int inequalities;
  private final UnaryOperator<Tensor> values;
  private final Constraint h;
  private final Constraint g;

  /**
   * A problem at its start.
   *
   * @param values gives of x [f, h…, g…]
   */
  Program(
      double[] start,
      int equalities,
      int inequalities,
      UnaryOperator<Tensor> values,
      Constraints constraints) {
    x = Tensor.create(start, start.length).requires_grad_(true);
    this.equalities = equalities;
    this.inequalities = inequalities;
    this.values = values;
    h = register("h", ConstraintType.EQUALITY, equalities, constraints);
    g = register("g", ConstraintType.INEQUALITY, inequalities, constraints);
  }

  private Constraint register(String name, ConstraintType type, int size, Constraints constraints) {
    return size == 0 ? null : register(name, constraints.of(type, size, ScalarType.Double));
  }

  @Override
  protected CMPState evaluate(Batch batch) {
    return whole();
  }

  @Override
  protected CMPState whole() {
    Tensor all = values.apply(x);
    CMPState state = CMPState.of(all.select(0, 0));
    if (h != null) {
      state.observe(h, all.narrow(0, 1, equalities));
    }
    if (g != null) {
      state.observe(g, all.narrow(0, 1 + equalities, inequalities));
    }
    return state;
  }

  @Override
  public TensorVector variables() {
    return new TensorVector(x);
  }

  @Override
  public Iterable<Batch> batches() {
    return Collections.singletonList(null);
  }
}
