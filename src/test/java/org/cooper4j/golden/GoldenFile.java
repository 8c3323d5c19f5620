package org.cooper4j.golden;

import com.google.gson.FieldNamingPolicy;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.annotations.SerializedName;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;

/** The golden files as records; schema.md beside them explains every member. */
@SuppressWarnings("ArrayRecordComponent") // read once, compared with nothing
final class GoldenFile {
  record Case(
      String name,
      int steps,
      Problem problem,
      Map<String, MultiplierSpec> multipliers,
      Map<String, PenaltySpec> penalties,
      List<ConstraintSpec> constraints,
      JsonElement updater,
      List<RateChange> lrSchedule,
      Kind optimizer,
      List<OptimizerSpec> primalOptimizers,
      List<OptimizerSpec> dualOptimizers,
      Map<String, Trajectory> trajectory,
      double float32Gap) {}

  record Problem(
      double[] x0,
      int split,
      boolean loss,
      @SerializedName("Q") double[][] q,
      double[] c,
      boolean sin) {}

  record MultiplierSpec(
      String kind,
      String constraintType,
      double[] init,
      double[] weight,
      double bias,
      boolean relu) {}

  record PenaltySpec(String kind, JsonElement init) {}

  record ConstraintSpec(
      String name,
      String type,
      String formulation,
      String multiplier,
      String penalty,
      @SerializedName("A") double[][] a,
      double[] b,
      @SerializedName("q") double[] curvature,
      @SerializedName("B") double[][] squares,
      Surrogate surrogate,
      double[][] features,
      long[][] indices,
      long[][] strictIndices,
      boolean scalar,
      boolean[] primal,
      boolean[] dual) {}

  record Surrogate(@SerializedName("A") double[][] a, double[] b) {}

  record RateChange(int step, double primal, double dual) {}

  record Kind(String kind, boolean computeViolations) {}

  record OptimizerSpec(String type, List<GroupSpec> groups) {}

  record GroupSpec(List<String> params, JsonObject options) {}

  record Trajectory(
      Map<String, double[][]> primal,
      Map<String, Map<String, double[][]>> multipliers,
      Map<String, double[][]> penalties,
      Double[] loss,
      Double[] primalLagrangian,
      Double[] dualLagrangian,
      Map<String, double[][]> primalMultiplierValues,
      Map<String, double[][]> primalPenaltyValues,
      Map<String, double[][]> dualMultiplierValues,
      Map<String, double[][]> dualPenaltyValues) {}

  /** A case of the files nupi and extragradient. */
  record Sequence(
      String name,
      String type,
      boolean maximize,
      long[] shape,
      double[] init,
      JsonObject options,
      List<Operation> steps,
      Map<String, SequenceTrajectory> trajectory) {}

  record Operation(String op, JsonElement grad) {}

  /** The values of {@code state} are one element an operation: null, a number or a list. */
  record SequenceTrajectory(double[][] param, Map<String, List<JsonElement>> state) {}

  private static final Gson GSON =
      new GsonBuilder()
          .setFieldNamingPolicy(FieldNamingPolicy.LOWER_CASE_WITH_UNDERSCORES)
          .create();

  private GoldenFile() {}

  /** The cases of a family, as {@link Case} or {@link Sequence}. */
  static <T> List<T> cases(String family, Class<T> type) {
    try (Reader reader = new InputStreamReader(open(family), StandardCharsets.UTF_8)) {
      return JsonParser.parseReader(reader)
          .getAsJsonObject()
          .getAsJsonArray("cases")
          .asList()
          .stream()
          .map(element -> GSON.fromJson(element, type))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static InputStream open(String family) throws IOException {
    InputStream plain = GoldenFile.class.getResourceAsStream("/golden/" + family + ".json");
    if (plain != null) {
      return plain;
    }
    InputStream packed = GoldenFile.class.getResourceAsStream("/golden/" + family + ".json.gz");
    if (packed == null) {
      throw new IOException("no golden file of the family '" + family + "'; golden.py writes them");
    }
    return new GZIPInputStream(packed);
  }
}
