package org.cooper4j.spark;

import org.apache.spark.sql.SparkSession;

/** Spark in this JVM, with three slots. */
public final class Session {
  private static SparkSession spark;

  private Session() {}

  public static synchronized SparkSession get() {
    if (spark == null) {
      spark =
          SparkSession.builder()
              .master("local[3]")
              .appName("cooper4j")
              .config("spark.ui.enabled", false)
              .config("spark.sql.shuffle.partitions", 2)
              .config("spark.hadoop.fs.other.impl", OtherFileSystem.class.getName())
              .getOrCreate();
    }
    return spark;
  }
}
