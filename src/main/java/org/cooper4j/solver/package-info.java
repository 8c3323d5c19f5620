/**
 * Solves deterministic problems to a tolerance: the method of multipliers, for the same problems
 * and constraints that a roll trains.
 */
package org.cooper4j.solver;
