/**
 * Constraints in the words of classification: rates of groups, and the notions of fairness built of
 * them. Rates are defined as TensorFlow Constrained Optimization defines them.
 */
package org.cooper4j.rates;
