/**
 * Constrained minimisation problems, their constraints and their value at a point. Mirrors {@code
 * cooper}.
 */
package org.cooper4j;
