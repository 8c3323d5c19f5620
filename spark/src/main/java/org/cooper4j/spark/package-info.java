/**
 * Training on the executors of Apache Spark: {@link org.cooper4j.spark.SparkTrainer} deals the rows
 * of a DataFrame to tasks, each of which trains from its own, as one process would from all.
 */
package org.cooper4j.spark;
