package org.cooper4j.solver;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.multipliers.DenseMultiplier;

/** A problem of Hock and Schittkowski's collection, as the resource files have it. */
record HockSchittkowski(
    String name,
    double[] start,
    double optimum,
    String objective,
    List<String> equalities,
    List<String> inequalities) {

  /** All of the collection's file, in its order. */
  static List<HockSchittkowski> all() {
    return read("hock-schittkowski.txt");
  }

  /** All of a file. */
  static List<HockSchittkowski> read(String resource) {
    return lines(resource).stream().map(HockSchittkowski::parse).toList();
  }

  /** How many evaluations of the objective SciPy's SLSQP makes, by name. */
  static Map<String, Integer> slsqpEvaluations() {
    Map<String, Integer> evaluations = new TreeMap<>();
    lines("slsqp.txt")
        .forEach(
            line -> {
              String[] parts = line.split(" ");
              evaluations.put(parts[0], Integer.valueOf(parts[2]));
            });
    return evaluations;
  }

  private static List<String> lines(String resource) {
    try (var reader =
        new BufferedReader(
            new InputStreamReader(
                HockSchittkowski.class.getResourceAsStream("/solver/" + resource),
                StandardCharsets.UTF_8))) {
      return reader.lines().filter(line -> !line.isBlank() && !line.startsWith("#")).toList();
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static HockSchittkowski parse(String line) {
    String[] parts = line.split("\\|", -1);
    return new HockSchittkowski(
        parts[0].trim(),
        Arrays.stream(parts[1].trim().split(" +")).mapToDouble(Double::parseDouble).toArray(),
        Double.parseDouble(parts[2].trim()),
        parts[3],
        list(parts[4]),
        list(parts[5]));
  }

  private static List<String> list(String texts) {
    return Arrays.stream(texts.split(";")).map(String::trim).filter(t -> !t.isEmpty()).toList();
  }

  /** A problem in a variable. */
  ConstrainedMinimizationProblem<Void> problem(Tensor x) {
    Map<String, Constraint> constraints = new TreeMap<>();
    if (!equalities.isEmpty()) {
      constraints.put("h", constraint(ConstraintType.EQUALITY, equalities.size(), x));
    }
    if (!inequalities.isEmpty()) {
      constraints.put("g", constraint(ConstraintType.INEQUALITY, inequalities.size(), x));
    }
    return ConstrainedMinimizationProblem.of(
        constraints,
        nothing -> {
          CMPState state = CMPState.of(Expression.of(objective, x));
          constraints.forEach(
              (key, constraint) ->
                  state.observe(
                      constraint, values(key.equals("h") ? equalities : inequalities, x)));
          return state;
        });
  }

  private static Constraint constraint(ConstraintType type, int size, Tensor x) {
    return new Constraint(type, new DenseMultiplier(size, x.device(), x.scalar_type()));
  }

  private static Tensor values(List<String> texts, Tensor x) {
    TensorVector values = new TensorVector();
    texts.forEach(text -> values.push_back(Expression.of(text, x)));
    return torch.stack(values);
  }

  /** The inequalities on one variable alone, such as {@code x1-50} and {@code -x2}. */
  private boolean isBound(String inequality) {
    return inequality.matches("(x\\d-)?[0-9.]+(-x\\d)?|-x\\d") && inequality.contains("x")
        || inequality.matches("-[0-9.]+-x\\d");
  }

  /** The same problem without those inequalities that are bounds. */
  HockSchittkowski withoutBounds() {
    return new HockSchittkowski(
        name,
        start,
        optimum,
        objective,
        equalities,
        inequalities.stream().filter(inequality -> !isBound(inequality)).toList());
  }

  /** The bounds, lower and upper. */
  double[][] bounds() {
    double[] lower = new double[start.length];
    double[] upper = new double[start.length];
    Arrays.fill(lower, Double.NEGATIVE_INFINITY);
    Arrays.fill(upper, Double.POSITIVE_INFINITY);
    for (String bound : inequalities.stream().filter(this::isBound).toList()) {
      int x = bound.indexOf('x');
      int i = bound.charAt(x + 1) - '1';
      if (x == 0) {
        upper[i] = Double.parseDouble(bound.substring(3));
      } else {
        lower[i] = bound.startsWith("-x") ? 0 : Double.parseDouble(bound.substring(0, x - 1));
      }
    }
    return new double[][] {lower, upper};
  }
}
