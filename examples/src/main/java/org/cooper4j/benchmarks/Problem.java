package org.cooper4j.benchmarks;

import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.optim.RollOut;

/** What is measured: a problem, its optimizers, and what a training loop does after a roll. */
abstract class Problem extends ConstrainedMinimizationProblem<Void> {
  abstract Optimizer primalOptimizer();

  Optimizer dualOptimizer() {
    return sgd(dualParameters());
  }

  void after(RollOut out) {}

  static Optimizer sgd(TensorVector parameters) {
    return new SGD(parameters, new SGDOptions(1e-3));
  }

  static Optimizer sgd(Tensor parameter) {
    return sgd(new TensorVector(parameter));
  }

  /** By the names that examples/benchmarks/run.py documents, such as {@code groups:100}. */
  static Problem of(String name) {
    String kind = name.replaceFirst(":.*", "");
    int n = kind.equals(name) ? 0 : Integer.parseInt(name.substring(kind.length() + 1));
    return switch (kind) {
      case "mnist" -> new Mnist(Mnist.Reading.FOUR_TENSORS);
      case "mnist-unread" -> new Mnist(Mnist.Reading.NOTHING);
      case "mnist-values", "mnist-clipped" -> new Mnist(Mnist.Reading.ALL_VALUES);
      case "mlp" -> new Perceptron(n == 0 ? 2048 : n);
      case "convnet" -> new ConvNet();
      case "transformer" -> new Transformer();
      case "groups" -> new Groups(n, false, false);
      case "augmented" -> new Groups(n, true, false);
      case "bounds" -> new Groups(n, false, true);
      case "augmented-bounds" -> new Groups(n, true, true);
      case "dense" -> new Dense(n);
      case "rates" -> new GroupRates(n);
      case "indexed" -> new Indexed(n, false);
      case "indexed-augmented" -> new Indexed(n, true);
      case "indexed-nupi" -> new Indexed.WithNuPI(n);
      default -> throw new IllegalArgumentException("no problem is named " + name);
    };
  }
}
