/**
 * Training over several processes and machines: every process evaluates the problem over samples of
 * its own, and all make the steps that one would make over all samples.
 */
package org.cooper4j.distributed;
