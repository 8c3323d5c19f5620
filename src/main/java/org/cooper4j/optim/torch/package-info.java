/** Optimizers that LibTorch lacks. Mirrors {@code cooper.optim.torch_optimizers}. */
package org.cooper4j.optim.torch;
