package org.cooper4j.comparison;

import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.CMPState;
import org.cooper4j.data.Batch;
import org.cooper4j.data.DataLoader;
import org.cooper4j.data.TensorDataset;

/** A task of one linear layer over a data set in mini-batches. */
abstract class Linear extends Task {
  final LinearImpl model;
  private final TensorDataset data;
  private final DataLoader batches;

  Linear(TensorDataset data, long outputs, long batchSize) {
    this.data = data;
    model = new LinearImpl(data.inputs().size(1), outputs);
    batches = DataLoader.builder(data).batchSize(batchSize).shuffle(0).build();
  }

  @Override
  protected CMPState whole() {
    return evaluate(all());
  }

  /** The whole data set. */
  final Batch all() {
    return new Batch(data.inputs(), data.targets());
  }

  @Override
  public TensorVector variables() {
    return model.parameters();
  }

  @Override
  public Iterable<Batch> batches() {
    return batches;
  }
}
