package org.cooper4j.spark;

import java.util.Arrays;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.cooper4j.optim.RollOut;
import org.cooper4j.training.Training;
import org.cooper4j.training.TrainingListener;

/**
 * For a cluster: trains undisturbed, and then with an executor whose JVM halts, and compares. Its
 * argument is a folder for checkpoints that all executors see.
 */
public final class ClusterRun {
  private ClusterRun() {}

  /** Runs it. */
  public static void main(String[] args) {
    SparkSession spark = SparkSession.builder().appName("ClusterRun").getOrCreate();
    Dataset<Row> frame = Income.frame(spark);
    double[] undisturbed = Income.variables(Income.spark(Income::trainer, 2).fit(frame));
    double[] resumed =
        Income.variables(
            Income.spark(halting(11), 2)
                .setCheckpointPath(args[0])
                .setCheckpointInterval(4)
                .fit(frame));
    var folder = new HadoopFolder(args[0], spark.sparkContext().hadoopConfiguration());
    List<String> files = folder.names().stream().sorted().toList();
    spark.stop();
    System.out.println("undisturbed: " + Arrays.toString(undisturbed));
    System.out.println("resumed:     " + Arrays.toString(resumed));
    if (!Arrays.equals(undisturbed, resumed)) {
      throw new AssertionError("the ends differ");
    }
    if (!files.equals(List.of("step-000000016.pt", "step-000000018.pt"))) {
      throw new AssertionError("the folder has " + files);
    }
  }

  /** Ends the last worker's executor at a step of the first attempt. */
  private static Program halting(long step) {
    return (group, rows) -> {
      int attempt = TaskContext.get().stageAttemptNumber();
      boolean halts = attempt == 0 && group.rank() == group.size() - 1;
      return Income.trainer(group, rows)
          .listen(
              new TrainingListener() {
                @Override
                public void start(Training training) {
                  System.err.println("attempt " + attempt + " starts at step " + training.step());
                }

                @Override
                public void step(Training training, RollOut rollOut) {
                  if (halts && training.step() == step) {
                    System.err.println("halting at step " + step);
                    Runtime.getRuntime().halt(9);
                  }
                }
              });
    };
  }
}
