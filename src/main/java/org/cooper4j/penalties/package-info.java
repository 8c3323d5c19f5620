/** Penalty coefficients and what changes them. Mirrors {@code cooper.penalty_coefficients}. */
package org.cooper4j.penalties;
