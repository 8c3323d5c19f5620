package org.cooper4j.spark;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.spark.ml.linalg.SQLDataTypes;
import org.apache.spark.ml.linalg.Vectors;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.data.Batch;
import org.cooper4j.data.TensorDataset;
import org.cooper4j.distributed.ProcessGroup;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.training.Trainer;

/** A small problem in float64: logistic regression whose mean scores of two groups are close. */
final class Income {
  static final int ROWS = 103;
  static final String[] INPUTS = {"features", "age", "married", "hours"};
  static final String[] TARGETS = {"income", "male"};

  private static final StructType SCHEMA =
      new StructType()
          .add("id", DataTypes.LongType)
          .add("features", SQLDataTypes.VectorType())
          .add("age", DataTypes.IntegerType)
          .add("married", DataTypes.BooleanType)
          .add("hours", DataTypes.createArrayType(DataTypes.FloatType))
          .add("income", DataTypes.DoubleType)
          .add("male", DataTypes.createDecimalType(3, 1))
          .add("job", DataTypes.StringType);

  private Income() {}

  /** Rows with columns of every kind, in two partitions or more. */
  static Dataset<Row> frame(SparkSession spark) {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < ROWS; i++) {
      double x = Math.sin(1 + 3.7 * i);
      double y = Math.cos(2.3 * i);
      rows.add(
          RowFactory.create(
              (long) i,
              i % 2 == 0
                  ? Vectors.dense(x, 0, y)
                  : Vectors.sparse(3, new int[] {0}, new double[] {x}),
              i % 7,
              i % 5 == 0,
              Arrays.asList((float) (i % 4), (float) (i % 3)),
              x + 0.3 * y > 0 ? 1.0 : 0.0,
              BigDecimal.valueOf(i % 3 == 0 ? 0 : 10, 1),
              "clerk"));
    }
    return spark.createDataFrame(rows, SCHEMA).repartition(3);
  }

  static Trainer<Batch> trainer(ProcessGroup group, TensorDataset rows) {
    LinearImpl model = new LinearImpl(rows.inputs().size(1), 1);
    model.to(new Device("cpu"), ScalarType.Double, false);
    DenseMultiplier multiplier = new DenseMultiplier(1, new Device("cpu"), ScalarType.Double);
    Constraint parity = new Constraint(ConstraintType.INEQUALITY, multiplier);
    var problem =
        ConstrainedMinimizationProblem.<Batch>of(
            Map.of("parity", parity),
            batch -> {
              Tensor logits = model.forward(batch.inputs()).flatten();
              Tensor income = batch.targets().select(1, 0);
              return CMPState.of(torch.binary_cross_entropy_with_logits(logits, income))
                  .lessOrEqual(parity, gap(group, logits, batch.targets().select(1, 1)), 0.01);
            });
    var optimizer =
        new SimultaneousOptimizer<>(
            problem,
            new SGD(model.parameters(), new SGDOptions(0.05)),
            new SGD(problem.dualParameters(), new SGDOptions(0.2)));
    return new Trainer<>(optimizer).module("model", model);
  }

  private static Tensor gap(ProcessGroup group, Tensor logits, Tensor male) {
    Tensor score = logits.sigmoid();
    Tensor female = male.neg().add(torch.ones_like(male));
    Tensor sums =
        group.sum(
            torch.stack(
                new TensorVector(score.dot(male), male.sum(), score.dot(female), female.sum())));
    Tensor counts = torch.maximum(sums, torch.ones_like(sums)); // a batch may be of one group
    return sums.get(0).div(counts.get(1)).sub(sums.get(2).div(counts.get(3))).unsqueeze(0);
  }

  /** A trainer of small batches in float64. */
  static SparkTrainer spark(Program program, int workers) {
    return new SparkTrainer(program)
        .setInputCols(INPUTS)
        .setTargetCols(TARGETS)
        .setDtype(ScalarType.Double)
        .setBatchSize(20)
        .setEpochs(3)
        .setSeed(7)
        .setNumWorkers(workers);
  }

  /** Weights, biases and the multiplier. */
  static double[] variables(Checkpoint end) {
    Tensor all =
        torch.cat(
            new TensorVector(
                end.map("model_state_dict").tensor("weight").flatten(),
                end.map("model_state_dict").tensor("bias"),
                end.map("cmp_state_dict").map("multipliers").map("parity").tensor("weight")),
            0);
    double[] values = new double[(int) all.numel()];
    all.data_ptr_double().get(values);
    return values;
  }
}
