/** The dual variables. Mirrors {@code cooper.multipliers}. */
package org.cooper4j.multipliers;
