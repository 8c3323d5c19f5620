package org.cooper4j.benchmarks;

import static org.bytedeco.pytorch.global.torch.cross_entropy;
import static org.bytedeco.pytorch.global.torch.gelu;
import static org.bytedeco.pytorch.global.torch.randint;
import static org.bytedeco.pytorch.global.torch.randn;
import static org.bytedeco.pytorch.global.torch.scaled_dot_product_attention;

import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.LayerNormImpl;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.LongVector;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.multipliers.DenseMultiplier;

/** A block of attention and perceptron over 16 sequences of 128, the last layer's norm bounded. */
final class Transformer extends Problem {
  private static final int SEQUENCES = 16;
  private static final int LENGTH = 128;
  private static final int HEADS = 4;
  private static final int WIDTH = 256;

  private final LinearImpl qkv = new LinearImpl(WIDTH, 3 * WIDTH);
  private final LinearImpl out = new LinearImpl(WIDTH, WIDTH);
  private final LinearImpl wide = new LinearImpl(WIDTH, 4 * WIDTH);
  private final LinearImpl narrow = new LinearImpl(4 * WIDTH, WIDTH);
  private final LinearImpl last = new LinearImpl(WIDTH, 10);
  private final LayerNormImpl first = new LayerNormImpl(new LongVector(new long[] {WIDTH}));
  private final LayerNormImpl second = new LayerNormImpl(new LongVector(new long[] {WIDTH}));
  private final Tensor x = randn(SEQUENCES, LENGTH, WIDTH);
  private final Tensor y = randint(10, new long[] {SEQUENCES}).to(ScalarType.Long);
  private final Constraint norm =
      register("norm", new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(1)));

  @Override
  Optimizer primalOptimizer() {
    TensorVector parameters = new TensorVector();
    for (LinearImpl layer : new LinearImpl[] {qkv, out, wide, narrow, last}) {
      parameters.push_back(layer.weight()).push_back(layer.bias());
    }
    for (LayerNormImpl layer : new LayerNormImpl[] {first, second}) {
      parameters.push_back(layer.weight()).push_back(layer.bias());
    }
    return new Adam(parameters, new AdamOptions(1e-3));
  }

  private Tensor attention(Tensor tokens) {
    TensorVector parts =
        qkv.forward(tokens)
            .view(SEQUENCES, LENGTH, 3, HEADS, WIDTH / HEADS)
            .permute(2, 0, 3, 1, 4)
            .unbind();
    Tensor heads = scaled_dot_product_attention(parts.get(0), parts.get(1), parts.get(2));
    return out.forward(heads.transpose(1, 2).reshape(SEQUENCES, LENGTH, WIDTH));
  }

  @Override
  public CMPState computeCMPState(Void nothing) {
    Tensor attended = x.add(attention(first.forward(x)));
    Tensor tokens = attended.add(narrow.forward(gelu(wide.forward(second.forward(attended)))));
    return CMPState.of(cross_entropy(last.forward(tokens.mean(1)), y))
        .lessOrEqual(norm, last.weight().square().sum(), 1);
  }
}
