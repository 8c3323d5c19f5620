package org.cooper4j.spark;

import java.io.Serializable;
import java.time.Duration;
import org.apache.spark.util.SerializableConfiguration;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * What all workers are told.
 *
 * @param batchSize of all workers together
 * @param folder of checkpoints, an URI; null for none
 * @param hadoop how that is reached
 * @param interval of checkpoints in steps; 0 for epochs alone
 */
record Plan(
    Program program,
    Columns inputs,
    Columns targets,
    String idColumn,
    ScalarType dtype,
    long batchSize,
    long epochs,
    long seed,
    Duration timeout,
    String folder,
    SerializableConfiguration hadoop,
    long interval)
    implements Serializable {}
