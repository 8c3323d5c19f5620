package org.cooper4j.spark;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.SparkConf;

/**
 * The tasks that can run at a time. Spark itself waits ten minutes for slots that may still come;
 * where its configuration says that they cannot, nobody has to wait.
 */
final class Slots {
  private static final Pattern LOCAL = Pattern.compile("local(?:\\[(\\d+|\\*)(?:,.*)?])?");

  private Slots() {}

  /**
   * That so many workers can run.
   *
   * @throws IllegalArgumentException if they never can
   */
  static void require(int workers, String master, SparkConf spark) {
    boolean local = LOCAL.matcher(master).matches();
    if (!local && spark.getBoolean("spark.dynamicAllocation.enabled", false)) {
      throw new IllegalArgumentException(
          "Spark runs no barrier stage, in which all workers run at a time, under dynamic"
              + " allocation; set spark.dynamicAllocation.enabled=false");
    }
    long most = most(master, spark);
    if (workers > most) {
      throw new IllegalArgumentException(
          "%d workers run at a time, and %s has %d slots at most, of spark.task.cpus=%d each; give it"
                  .formatted(workers, master, most, cpus(spark))
              + " more cores ("
              + (local ? "local[%d]".formatted(workers * cpus(spark)) : cores(master))
              + "), or call setNumWorkers("
              + Math.max(1, most)
              + ")");
    }
  }

  private static int cpus(SparkConf spark) {
    return spark.getInt("spark.task.cpus", 1);
  }

  private static String cores(String master) {
    return isStandalone(master)
        ? "spark.cores.max"
        : "spark.executor.instances, spark.executor.cores";
  }

  private static boolean isStandalone(String master) {
    return master.startsWith("spark:");
  }

  /** How many there are at most; of executors that Spark asks for, not of those that it has. */
  private static long most(String master, SparkConf spark) {
    Matcher local = LOCAL.matcher(master);
    if (local.matches()) {
      String threads = local.group(1) == null ? "1" : local.group(1);
      return (threads.equals("*")
              ? Runtime.getRuntime().availableProcessors()
              : Long.parseLong(threads))
          / cpus(spark);
    } else if (isStandalone(master)) {
      return spark.getInt("spark.cores.max", Integer.MAX_VALUE) / cpus(spark);
    } else if (master.startsWith("yarn") || master.startsWith("k8s:")) {
      long each = spark.getInt("spark.executor.cores", 1) / cpus(spark);
      return each * spark.getInt("spark.executor.instances", 2);
    }
    return Long.MAX_VALUE;
  }
}
