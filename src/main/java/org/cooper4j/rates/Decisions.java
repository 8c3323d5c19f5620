package org.cooper4j.rates;

import org.bytedeco.pytorch.Tensor;

/**
 * How far each example is predicted positive, {@code [n]}.
 *
 * @param value 0 to 1, or scores, of which positive ones stand for 1, and 0 for a half
 * @param ofScores which of both
 * @param surrogate what stands for it in training; its value is of no use
 */
record Decisions(Tensor value, boolean ofScores, Bounds surrogate) {}
