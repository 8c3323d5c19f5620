package org.cooper4j.rates;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.internal.Json;
import org.cooper4j.internal.Readout;

/**
 * A table of rates by group on any data, with 95 % confidence intervals.
 *
 * <pre>{@code
 * System.out.println(RateReport.of(context.groupBy(sex, List.of("women", "men"))).toMarkdown());
 * }</pre>
 *
 * <p>Proportions of a known number of examples have Wilson's interval (JASA 1927), with n_e = (Σw)²
 * / Σw² in the place of n for weights; all others, such as precision and areas, the percentiles of
 * as many bootstrap resamples as are asked for (Efron, Annals of Statistics 1979). A rate of nobody
 * has no value; an interval needs 2 examples.
 */
public final class RateReport {
  private static final double Z = 1.959963984540054; // 97.5 % of the normal distribution

  /** A rate of a group; NaN for what is not defined. */
  public record Cell(double value, double lower, double upper) {}

  private final List<String> groups;
  private final Map<String, List<Cell>> rows;

  private RateReport(List<String> groups, Map<String, List<Cell>> rows) {
    this.groups = groups;
    this.rows = rows;
  }

  /** All rates that the context has what it takes for, with 200 resamples. */
  public static RateReport of(RateContext context) {
    return of(context, rates(context), 200, 0);
  }

  /**
   * Some rates.
   *
   * @param context what they are counted over; an overall column is added to its groups
   * @param rates by the names of their rows; each gives {@code [K]} or a scalar, as the context
   *     does
   * @param resamples how many the bootstrap takes; each evaluates the rate once
   * @param seed of the resamples
   * @throws IllegalArgumentException if resamples are negative (without any, what has no Wilson
   *     interval has none), or two groups have one name, or one is called {@code all}
   */
  public static RateReport of(
      RateContext context,
      Map<String, Function<RateContext, Rate>> rates,
      int resamples,
      long seed) {
    if (resamples < 0) {
      throw new IllegalArgumentException(resamples + " resamples; expected 0 or more");
    }
    context.requireAllHere("a report");
    List<RateContext> contexts = new ArrayList<>();
    List<String> names = new ArrayList<>(context.groupNames());
    if (!names.isEmpty()) {
      contexts.add(context);
    }
    contexts.add(context.ungrouped());
    names.add("all");
    Set<String> seen = new HashSet<>();
    for (String name : names) {
      if (!seen.add(name)) {
        throw new IllegalArgumentException(
            "two columns are called '" + name + "', of which 'all' is everybody's; rename a group");
      }
    }
    Map<String, List<Cell>> rows = new LinkedHashMap<>();
    for (RateContext each : contexts) {
      cells(each, rates, resamples, seed)
          .forEach(
              (name, cells) -> rows.computeIfAbsent(name, n -> new ArrayList<>()).addAll(cells));
    }
    rows.replaceAll((name, cells) -> List.copyOf(cells));
    return new RateReport(List.copyOf(names), rows);
  }

  private static Map<String, Function<RateContext, Rate>> rates(RateContext context) {
    Map<String, Function<RateContext, Rate>> rates = new LinkedHashMap<>();
    if (context.hasLabels()) {
      rates.put("accuracy", Rates::accuracy);
      rates.put("error rate", Rates::errorRate);
    }
    if (context.hasPositives()) {
      rates.put("positive prediction rate", Rates::positivePredictionRate);
    }
    if (context.hasLabels() && context.hasPositives()) {
      rates.put("true positive rate", Rates::truePositiveRate);
      rates.put("false positive rate", Rates::falsePositiveRate);
      rates.put("true negative rate", Rates::trueNegativeRate);
      rates.put("false negative rate", Rates::falseNegativeRate);
      rates.put("precision", Rates::precision);
      rates.put("F1", Rates::fScore);
      rates.put("ROC-AUC", Rates::rocAuc);
      rates.put("PR-AUC", Rates::prAuc);
    }
    return rates;
  }

  private static Map<String, List<Cell>> cells(
      RateContext context,
      Map<String, Function<RateContext, Rate>> rates,
      int resamples,
      long seed) {
    Map<String, double[]> values = new LinkedHashMap<>();
    Map<String, double[][]> bounds = new LinkedHashMap<>();
    Map<String, Function<RateContext, Rate>> others = new LinkedHashMap<>();
    try (PointerScope temporaries = new PointerScope();
        NoGradGuard noGrad = new NoGradGuard()) {
      rates.forEach(
          (name, rate) -> {
            Rate found = rate.apply(context);
            double[] value = Readout.values(found.value());
            values.put(name, value);
            found
                .counts()
                .ifPresentOrElse(
                    counts -> bounds.put(name, wilson(value, Readout.values(counts))),
                    () -> others.put(name, rate));
          });
      bounds.putAll(bootstrap(context, others, values, resamples, seed));
    }
    Map<String, List<Cell>> cells = new LinkedHashMap<>();
    values.forEach(
        (name, value) -> {
          double[][] its = bounds.get(name);
          List<Cell> row = new ArrayList<>();
          for (int k = 0; k < value.length; k++) {
            row.add(new Cell(value[k], its[0][k], its[1][k]));
          }
          cells.put(name, row);
        });
    return cells;
  }

  private static double[][] wilson(double[] values, double[] counts) {
    double[][] bounds = new double[2][values.length];
    for (int k = 0; k < values.length; k++) {
      double n = counts[k];
      double p = values[k];
      double center = (p + Z * Z / (2 * n)) / (1 + Z * Z / n);
      double half = Z / (1 + Z * Z / n) * Math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n));
      boolean known = n > 1 && !Double.isNaN(p);
      bounds[0][k] = known ? Math.max(0, center - half) : Double.NaN;
      bounds[1][k] = known ? Math.min(1, center + half) : Double.NaN;
    }
    return bounds;
  }

  /** Resamples draw weights: how often each example comes, of n draws with replacement. */
  private static Map<String, double[][]> bootstrap(
      RateContext context,
      Map<String, Function<RateContext, Rate>> rates,
      Map<String, double[]> values,
      int resamples,
      long seed) {
    Map<String, double[][]> found = new LinkedHashMap<>();
    rates.keySet().forEach(name -> found.put(name, new double[values.get(name).length][resamples]));
    SplittableRandom random = new SplittableRandom(seed);
    int n = Math.toIntExact(context.size());
    for (int b = 0; b < resamples && !rates.isEmpty(); b++) {
      double[] draws = new double[n];
      for (int i = 0; i < n; i++) {
        draws[random.nextInt(n)]++;
      }
      int resample = b;
      try (PointerScope temporaries = new PointerScope();
          Device device = context.device()) {
        RateContext drawn = context.weighted(Tensor.create(draws).to(device, ScalarType.Double));
        rates.forEach(
            (name, rate) -> {
              double[] resampled = Readout.values(rate.apply(drawn).value());
              for (int k = 0; k < resampled.length; k++) {
                found.get(name)[k][resample] = resampled[k];
              }
            });
      }
    }
    Map<String, double[][]> bounds = new LinkedHashMap<>();
    found.forEach((name, resampled) -> bounds.put(name, percentiles(values.get(name), resampled)));
    return bounds;
  }

  private static double[][] percentiles(double[] values, double[][] resampled) {
    double[][] bounds = new double[2][values.length];
    for (int k = 0; k < values.length; k++) {
      double[] known = Arrays.stream(resampled[k]).filter(v -> !Double.isNaN(v)).sorted().toArray();
      boolean enough = known.length > 1 && !Double.isNaN(values[k]);
      bounds[0][k] = enough ? quantile(known, 0.025) : Double.NaN;
      bounds[1][k] = enough ? quantile(known, 0.975) : Double.NaN;
    }
    return bounds;
  }

  private static double quantile(double[] sorted, double share) {
    double at = share * (sorted.length - 1);
    int low = (int) at;
    int high = Math.min(low + 1, sorted.length - 1);
    return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
  }

  /** The columns: the groups' names, then {@code all}. */
  public List<String> groups() {
    return groups;
  }

  /** The rows by the rates' names: a cell for each column. */
  public Map<String, List<Cell>> rows() {
    return Collections.unmodifiableMap(rows);
  }

  /** Columns set with spaces. */
  @Override
  public String toString() {
    List<List<String>> table = table();
    int[] widths = new int[groups.size() + 1];
    for (List<String> row : table) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    return table.stream()
        .map(
            row -> {
              StringBuilder line = new StringBuilder();
              for (int i = 0; i < widths.length; i++) {
                line.append(row.get(i)).append(" ".repeat(widths[i] - row.get(i).length() + 2));
              }
              return line.toString().stripTrailing();
            })
        .collect(Collectors.joining("\n"));
  }

  /** A Markdown table. */
  public String toMarkdown() {
    List<String> lines =
        new ArrayList<>(
            table().stream()
                .map(
                    row ->
                        row.stream()
                            .map(cell -> cell.replace("|", "\\|"))
                            .collect(Collectors.joining(" | ", "| ", " |")))
                .toList());
    lines.add(1, "|" + "---|".repeat(groups.size() + 1));
    return String.join("\n", lines);
  }

  private List<List<String>> table() {
    List<List<String>> table = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of("rate"));
    head.addAll(groups);
    table.add(head);
    rows.forEach(
        (name, cells) -> {
          List<String> line = new ArrayList<>(List.of(name));
          cells.forEach(cell -> line.add(text(cell)));
          table.add(line);
        });
    return table;
  }

  private static String text(Cell cell) {
    if (Double.isNaN(cell.value)) {
      return "–";
    }
    return Double.isNaN(cell.lower)
        ? String.format(Locale.ROOT, "%.4f", cell.value)
        : String.format(Locale.ROOT, "%.4f [%.4f, %.4f]", cell.value, cell.lower, cell.upper);
  }

  /**
   * {@code {rate: {group: {"value": v, "lower": l, "upper": u}}}}, null for what is not defined.
   */
  public String toJson() {
    return rows.entrySet().stream()
        .map(
            row -> {
              List<String> cells = new ArrayList<>();
              for (int k = 0; k < groups.size(); k++) {
                Cell cell = row.getValue().get(k);
                cells.add(
                    String.format(
                        "    %s: {\"value\": %s, \"lower\": %s, \"upper\": %s}",
                        quoted(groups.get(k)),
                        number(cell.value),
                        number(cell.lower),
                        number(cell.upper)));
              }
              return "  " + quoted(row.getKey()) + ": {\n" + String.join(",\n", cells) + "\n  }";
            })
        .collect(Collectors.joining(",\n", "{\n", "\n}"));
  }

  private static String number(double value) {
    return Double.isFinite(value) ? Double.toString(value) : "null";
  }

  private static String quoted(String text) {
    return Json.text(new StringBuilder(), text).toString();
  }
}
