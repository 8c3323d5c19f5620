/** How a constraint enters the Lagrangian. Mirrors {@code cooper.formulations}. */
package org.cooper4j.formulations;
