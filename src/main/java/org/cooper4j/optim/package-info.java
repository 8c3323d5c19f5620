/**
 * Optimizers of primal and dual variables, schedules, diagnostics. Mirrors {@code cooper.optim}.
 */
package org.cooper4j.optim;
