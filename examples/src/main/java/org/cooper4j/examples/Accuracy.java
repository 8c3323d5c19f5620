package org.cooper4j.examples;

import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.data.Batch;
import org.cooper4j.data.DataLoader;

/** How often a classifier is right. */
final class Accuracy {
  private Accuracy() {}

  /**
   * The share of samples whose highest logit is the target's.
   *
   * @param classifier maps inputs to logits of shape {@code [n, classes]}
   */
  static double of(UnaryOperator<Tensor> classifier, DataLoader samples) {
    long right = 0;
    long all = 0;
    try (NoGradGuard noGrad = new NoGradGuard()) {
      for (Batch batch : samples) {
        try (PointerScope temporaries = new PointerScope()) {
          Tensor predicted = classifier.apply(batch.inputs()).argmax(new LongOptional(1), false);
          right += predicted.eq(batch.targets()).sum().item_long();
        }
        all += batch.size();
      }
    }
    return (double) right / all;
  }
}
