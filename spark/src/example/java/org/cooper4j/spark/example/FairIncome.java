package org.cooper4j.spark.example;

import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.fs.Path;
import org.apache.spark.ml.Pipeline;
import org.apache.spark.ml.PipelineStage;
import org.apache.spark.ml.feature.OneHotEncoder;
import org.apache.spark.ml.feature.StringIndexer;
import org.apache.spark.ml.feature.VectorAssembler;
import org.apache.spark.ml.linalg.Vector;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.expressions.UserDefinedFunction;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.checkpoint.LoadOptions;
import org.cooper4j.checkpoint.StateDict;
import org.cooper4j.data.Batch;
import org.cooper4j.data.TensorDataset;
import org.cooper4j.distributed.ProcessGroup;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.rates.RateContext;
import org.cooper4j.rates.Rates;
import org.cooper4j.spark.SparkTrainer;
import org.cooper4j.training.Trainer;

/**
 * Predicts incomes of the Adult data while men and women are predicted a high one at rates that
 * differ by 0.05 at most. The CSV file becomes a Parquet one, Spark ML's transformers make features
 * of that, workers train a logistic regression, and Spark scores the test set with it.
 *
 * <pre>FairIncome CSV PARQUET CHECKPOINTS WORKERS EPOCHS</pre>
 */
public final class FairIncome {
  private static final int TRAIN_ROWS = 32_561; // as UCI splits
  private static final double LEVEL = 0.05;

  private FairIncome() {}

  /** Runs the program. */
  public static void main(String[] args) throws IOException {
    if (args.length != 5) {
      throw new IllegalArgumentException("give CSV PARQUET CHECKPOINTS WORKERS EPOCHS");
    }
    SparkSession spark = SparkSession.builder().appName("FairIncome").getOrCreate();
    Map<String, Double> test =
        run(spark, args[0], args[1], args[2], Integer.parseInt(args[3]), Long.parseLong(args[4]));
    System.out.println("test set: " + test);
    spark.stop();
  }

  /** The accuracy on the test set, and the gap between the rates of men and of women. */
  static Map<String, Double> run(
      SparkSession spark, String csv, String parquet, String checkpoints, int workers, long epochs)
      throws IOException {
    Path table = new Path(parquet);
    if (!table.getFileSystem(spark.sparkContext().hadoopConfiguration()).exists(table)) {
      Dataset<Row> people = spark.read().option("header", true).csv(csv);
      people
          .withColumn("id", functions.monotonically_increasing_id())
          .withColumn("male", functions.col("sex").equalTo("Male"))
          .withColumn("rich", functions.col("class").equalTo(">50K"))
          .drop("sex", "class")
          .write()
          .parquet(parquet);
    }
    Dataset<Row> people = spark.read().parquet(parquet).na().fill("unknown");
    Dataset<Row> train = people.filter(functions.col("id").lt(TRAIN_ROWS));
    var features = features(people.drop("id", "male", "rich").columns()).fit(train);

    Checkpoint end =
        new SparkTrainer(FairIncome::trainer)
            .setInputCols("features")
            .setTargetCols("rich", "male")
            .setIdCol("id")
            .setNumWorkers(workers)
            .setBatchSize(1024)
            .setEpochs(epochs)
            .setCheckpointPath(checkpoints)
            .fit(features.transform(train));

    UserDefinedFunction score = functions.udf(new Score(end), DataTypes.DoubleType);
    return quality(
        features
            .transform(people.filter(functions.col("id").geq(TRAIN_ROWS)))
            .withColumn("score", score.apply(functions.col("features"))));
  }

  /** One number for each value of each column. */
  private static Pipeline features(String[] columns) {
    String[] indices = Arrays.stream(columns).map(name -> name + " index").toArray(String[]::new);
    String[] ones = Arrays.stream(columns).map(name -> name + " ones").toArray(String[]::new);
    return new Pipeline()
        .setStages(
            new PipelineStage[] {
              new StringIndexer()
                  .setInputCols(columns)
                  .setOutputCols(indices)
                  .setHandleInvalid("keep"),
              new OneHotEncoder().setInputCols(indices).setOutputCols(ones),
              new VectorAssembler().setInputCols(ones).setOutputCol("features")
            });
  }

  /** What each worker runs. */
  private static Trainer<Batch> trainer(ProcessGroup group, TensorDataset rows) {
    LinearImpl model = new LinearImpl(rows.inputs().size(1), 1);
    Constraint parity = new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(2));
    var problem =
        ConstrainedMinimizationProblem.<Batch>of(
            Map.of("parity", parity),
            batch -> {
              Tensor logits = model.forward(batch.inputs()).flatten();
              Tensor rich = batch.targets().select(1, 0);
              RateContext people =
                  RateContext.of(logits, rich)
                      .groupBy(batch.targets().select(1, 1), List.of("women", "men"))
                      .summedBy(group::sum); // the people of all workers
              var gap = Rates.positivePredictionRate(people).differenceTo(0);
              return CMPState.of(torch.binary_cross_entropy_with_logits(logits, rich))
                  .observe(parity, gap.within(LEVEL));
            });
    var optimizer =
        new SimultaneousOptimizer<>(
            problem,
            new Adam(model.parameters(), new AdamOptions(1e-2)),
            new SGD(problem.dualParameters(), new SGDOptions(0.2)));
    return new Trainer<>(optimizer).module("model", model);
  }

  /** The model over rows. What goes to executors are bytes, of which each task makes a model. */
  private static final class Score implements UDF1<Vector, Double> {
    private final byte[] state;
    private transient LinearImpl model;

    Score(Checkpoint end) {
      state = Checkpoint.bytes(end.map("model_state_dict").asMap());
    }

    @Override
    public Double call(Vector features) {
      if (model == null) {
        model = new LinearImpl(features.size(), 1);
        StateDict.load(model, Checkpoint.load(state, new LoadOptions()).asMap());
      }
      try (PointerScope temporaries = new PointerScope();
          NoGradGuard noGrad = new NoGradGuard()) {
        Tensor inputs = Tensor.create(features.toArray()).to(torch.ScalarType.Float);
        return model.forward(inputs).item_double();
      }
    }
  }

  private static Map<String, Double> quality(Dataset<Row> scored) {
    Row row =
        scored
            .withColumn("predicted", functions.expr("double(score > 0)"))
            .agg(
                functions.avg(functions.expr("if(predicted = cast(rich as double), 1, 0)")),
                functions.avg(functions.expr("if(male, predicted, null)")),
                functions.avg(functions.expr("if(male, null, predicted)")))
            .first();
    Map<String, Double> quality = new LinkedHashMap<>();
    quality.put("accuracy", row.getDouble(0));
    quality.put("gap", row.getDouble(1) - row.getDouble(2));
    return quality;
  }
}
