/**
 * Checkpoints in the format of {@code torch.save}, safetensors, and commands that look into them.
 */
package org.cooper4j.checkpoint;
