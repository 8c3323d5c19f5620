/**
 * Data sets and a loader of mini-batches. Mirrors the part of {@code torch.utils.data} that a
 * tutorial needs.
 */
package org.cooper4j.data;
