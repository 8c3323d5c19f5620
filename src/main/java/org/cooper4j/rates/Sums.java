package org.cooper4j.rates;

import org.bytedeco.pytorch.Tensor;

/**
 * What a {@link Rate} is the quotient of, kept apart so that the sums of several batches or
 * processes can be added up first. Each tensor is float64 {@code [3, K]}, or {@code [3]} without
 * groups: numerators, denominators, and the weights of all examples.
 *
 * @param value of 0-1 decisions; no gradient
 * @param upper of the surrogate that is minimised in their place, differentiable
 * @param lower of the one that is maximised; the same tensor for the sigmoid and soft decisions
 */
public record Sums(Tensor value, Tensor upper, Tensor lower) {}
