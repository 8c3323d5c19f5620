package org.cooper4j.solver;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/** A formula such as {@code 10*(x2-x1^2)} at a tensor x, differentiable. */
final class Expression {
  private final String text;
  private final Tensor x;
  private int at;

  private Expression(String text, Tensor x) {
    this.text = text.replace(" ", "");
    this.x = x;
  }

  static Tensor of(String text, Tensor x) {
    Expression expression = new Expression(text, x);
    Tensor value = expression.sum();
    if (expression.at < expression.text.length()) {
      throw new IllegalArgumentException(text + ": stopped at " + expression.at);
    }
    return value;
  }

  private boolean takes(char c) {
    boolean is = at < text.length() && text.charAt(at) == c;
    at += is ? 1 : 0;
    return is;
  }

  private Tensor sum() {
    Tensor value = takes('-') ? product().neg() : product();
    while (true) {
      if (takes('+')) {
        value = value.add(product());
      } else if (takes('-')) {
        value = value.sub(product());
      } else {
        return value;
      }
    }
  }

  private Tensor product() {
    Tensor value = power();
    while (takes('*')) {
      value = value.mul(power());
    }
    return value;
  }

  private Tensor power() {
    Tensor base = atom();
    return takes('^') ? base.pow(new Scalar(number())) : base;
  }

  private Tensor atom() {
    if (takes('(')) {
      Tensor value = sum();
      takes(')');
      return value;
    }
    if (takes('x')) {
      return x.select(0, (long) number() - 1);
    }
    if (text.startsWith("sin", at)) {
      at += 3;
      return atom().sin();
    }
    if (text.startsWith("log", at)) {
      at += 3;
      return atom().log();
    }
    return x.detach().select(0, 0).mul(new Scalar(0.0)).add(new Scalar(number()));
  }

  private double number() {
    int start = at;
    while (at < text.length() && (Character.isDigit(text.charAt(at)) || text.charAt(at) == '.')) {
      at++;
    }
    return Double.parseDouble(text.substring(start, at));
  }
}
