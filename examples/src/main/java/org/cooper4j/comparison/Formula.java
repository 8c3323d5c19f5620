package org.cooper4j.comparison;

import java.util.function.DoubleUnaryOperator;

/**
 * A formula such as {@code 10*(x2-x1^2)} and its gradient, by forward differentiation in doubles:
 * the comparison's time goes into algorithms.
 */
final class Formula {
  /** Gives [value, partial derivatives…]. */
  private interface Node {
    double[] at(double[] x);
  }

  private final String text;
  private final int variables;
  private final Node root;
  private int position;

  Formula(String text, int variables) {
    this.text = text.replace(" ", "");
    this.variables = variables;
    root = sum();
    if (position < this.text.length()) {
      throw new IllegalArgumentException(text + ": stopped at " + this.text.substring(position));
    }
  }

  /** [f(x), ∂f/∂x₁, …]. */
  double[] at(double[] x) {
    return root.at(x);
  }

  private boolean takes(String token) {
    boolean is = text.startsWith(token, position);
    position += is ? token.length() : 0;
    return is;
  }

  private Node sum() {
    Node node = takes("-") ? scaled(product(), -1) : product();
    while (true) {
      if (takes("+")) {
        node = added(node, product());
      } else if (takes("-")) {
        node = added(node, scaled(product(), -1));
      } else {
        return node;
      }
    }
  }

  private Node product() {
    Node node = power();
    while (takes("*")) {
      node = multiplied(node, power());
    }
    return node;
  }

  private Node power() {
    Node base = atom();
    if (!takes("^")) {
      return base;
    }
    double p = number();
    return composed(base, v -> Math.pow(v, p), v -> p * Math.pow(v, p - 1));
  }

  private Node atom() {
    if (takes("(")) {
      Node inner = sum();
      takes(")");
      return inner;
    }
    if (takes("sin")) {
      return composed(atom(), Math::sin, Math::cos);
    }
    if (takes("log")) {
      return composed(atom(), Math::log, v -> 1 / v);
    }
    if (takes("x")) {
      int i = (int) number();
      return x -> {
        double[] result = new double[variables + 1];
        result[0] = x[i - 1];
        result[i] = 1;
        return result;
      };
    }
    double[] constant = new double[variables + 1];
    constant[0] = number();
    return x -> constant;
  }

  private double number() {
    int start = position;
    while (position < text.length() && "0123456789.".indexOf(text.charAt(position)) >= 0) {
      position++;
    }
    return Double.parseDouble(text.substring(start, position));
  }

  private static Node added(Node a, Node b) {
    return x -> combined(a.at(x), 1, b.at(x), 1, 0, true);
  }

  private static Node scaled(Node node, double factor) {
    return x -> {
      double[] at = node.at(x);
      return combined(at, factor, at, 0, 0, true);
    };
  }

  private static Node multiplied(Node a, Node b) {
    return x -> {
      double[] left = a.at(x);
      double[] right = b.at(x);
      return combined(left, right[0], right, left[0], left[0] * right[0], false);
    };
  }

  private static Node composed(Node inner, DoubleUnaryOperator f, DoubleUnaryOperator slope) {
    return x -> {
      double[] at = inner.at(x);
      double factor = slope.applyAsDouble(at[0]);
      return combined(at, factor, at, 0, f.applyAsDouble(at[0]), false);
    };
  }

  /** p a + q b, whose value is another one unless it is linear. */
  private static double[] combined(
      double[] a, double p, double[] b, double q, double value, boolean linear) {
    double[] result = new double[a.length];
    for (int i = 0; i < a.length; i++) {
      result[i] = p * a[i] + q * b[i];
    }
    result[0] = linear ? result[0] : value;
    return result;
  }
}
