/**
 * Runs the library's algorithms on published problems and on small trainings: {@code
 * docs/comparison.md} has what came out.
 */
package org.cooper4j.comparison;
