package org.cooper4j.comparison;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.examples.Example;

/**
 * A deterministic problem with a known optimum; {@code examples/comparison/problems.py} has the
 * same ones for Python.
 *
 * @param name as the tables have it
 * @param equalities whether it has some
 * @param optimum its objective
 * @param task what starts it
 */
record Published(
    String name, boolean equalities, double optimum, Function<Constraints, Task> task) {
  private static final double SVM_OPTIMUM = 0.7480579265368756;

  /** All of the comparison. */
  static List<Published> all() {
    List<Published> all = new ArrayList<>(read("hock-schittkowski.txt"));
    all.addAll(read("quadratic-programs.txt"));
    all.add(quadratic(20, 10, 10, 0));
    all.add(quadratic(20, 10, 10, 5));
    all.add(quadratic(50, 40, 100, 20));
    all.add(quadratic(50, 40, 1e4, 20));
    all.add(quadratic(200, 100, 100, 60));
    all.add(iris());
    return all;
  }

  private static List<String> lines(String path) {
    try {
      return Files.readAllLines(Example.data(path)).stream()
          .filter(line -> !line.isBlank() && !line.startsWith("#"))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What the solver's tests solve, too. */
  private static List<Published> read(String file) {
    return lines("../../src/test/resources/solver/" + file).stream().map(Published::parse).toList();
  }

  private static Published parse(String line) {
    String[] parts = line.split("\\|", -1);
    double[] start =
        Arrays.stream(parts[1].trim().split(" +")).mapToDouble(Double::parseDouble).toArray();
    List<Formula> formulas = new ArrayList<>();
    int[] sizes = new int[6];
    for (int part = 3; part < 6; part++) {
      for (String text : parts[part].split(";")) {
        if (!text.isBlank()) {
          formulas.add(new Formula(text, start.length));
          sizes[part]++;
        }
      }
    }
    return new Published(
        parts[0].trim(),
        sizes[4] > 0,
        Double.parseDouble(parts[2].trim()),
        constraints ->
            new Program(start, sizes[4], sizes[5], x -> values(formulas, x), constraints));
  }

  /** The values, whose graph is the linear one with the same gradients. */
  private static Tensor values(List<Formula> formulas, Tensor x) {
    Tensor here = x.detach();
    double[] at = new double[(int) here.numel()];
    here.data_ptr_double().get(at);
    double[] values = new double[formulas.size()];
    double[] jacobian = new double[values.length * at.length];
    for (int i = 0; i < values.length; i++) {
      double[] both = formulas.get(i).at(at);
      values[i] = both[0];
      System.arraycopy(both, 1, jacobian, i * at.length, at.length);
    }
    return Tensor.create(jacobian, values.length, at.length)
        .mv(x.sub(here))
        .add(Tensor.create(values, values.length));
  }

  /**
   * min ½ xᵀPx + cᵀx subject to Ax ≤ b, whose solution with its multipliers was drawn first.
   *
   * @param condition of P
   * @param active how many of m constraints have a multiplier above 0
   */
  private static Published quadratic(int n, int m, double condition, int active) {
    torch.manual_seed(n + m + active);
    Tensor basis = torch.linalg_qr(normal(n, n)).get0();
    Tensor eigenvalues =
        torch
            .linspace(new Scalar(0.0), new Scalar(Math.log(condition)), n)
            .to(ScalarType.Double)
            .exp();
    Tensor p = basis.mul(eigenvalues).mm(basis.t());
    Tensor a = normal(m, n);
    Tensor solution = normal(n);
    Tensor isActive = torch.arange(new Scalar(m)).lt(new Scalar(active)).to(ScalarType.Double);
    Tensor multipliers = normal(m).abs().mul(isActive);
    Tensor slack = normal(m).abs().add(new Scalar(0.1)).mul(torch.rsub(isActive, new Scalar(1.0)));
    Tensor b = a.mv(solution).add(slack);
    Tensor c = p.mv(solution).add(a.t().mv(multipliers)).neg();
    return new Published(
        String.format(
            Locale.ROOT, "QP %d × %d, condition %.0e, %d active", n, m, condition, active),
        false,
        objective(p, c, solution).item_double(),
        constraints ->
            new Program(
                new double[n],
                0,
                m,
                x -> torch.cat(new TensorVector(objective(p, c, x).reshape(1), a.mv(x).sub(b))),
                constraints));
  }

  private static Tensor normal(long... shape) {
    return torch.randn(shape).to(ScalarType.Double);
  }

  private static Tensor objective(Tensor p, Tensor c, Tensor x) {
    return x.dot(p.mv(x)).mul(new Scalar(0.5)).add(c.dot(x));
  }

  /** The hard-margin support vector machine that tells setosa from the other irises. */
  private static Published iris() {
    List<String> rows = lines("iris/iris.csv");
    double[] inputs = new double[rows.size() * 5];
    double[] signs = new double[rows.size()];
    for (int i = 0; i < signs.length; i++) {
      String[] row = rows.get(i).split(",");
      for (int j = 0; j < 4; j++) {
        inputs[i * 5 + j] = Double.parseDouble(row[j]);
      }
      inputs[i * 5 + 4] = 1;
      signs[i] = row[4].equals("setosa") ? -1 : 1;
    }
    Tensor signed =
        Tensor.create(inputs, signs.length, 5).mul(Tensor.create(signs, signs.length, 1));
    return new Published(
        "SVM, Iris",
        false,
        SVM_OPTIMUM,
        constraints ->
            new Program(
                new double[5],
                0,
                signs.length,
                x ->
                    torch.cat(
                        new TensorVector(
                            x.narrow(0, 0, 4).square().sum().mul(new Scalar(0.5)).reshape(1),
                            torch.rsub(signed.mv(x), new Scalar(1.0)))),
                constraints));
  }
}
